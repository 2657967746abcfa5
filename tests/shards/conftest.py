from itertools import count

import pytest

_numbers = count()


@pytest.fixture(scope="session")
def store_environment():
    """Of a server of objects; its clients are kept by fsspec as long as the tests run."""
    pytest.importorskip("moto", reason="needs the extra `test`")
    from object_store import store_server

    with store_server() as environment:
        yield environment


@pytest.fixture
def bucket(store_environment, monkeypatch):
    """An empty bucket; every client finds its server by the environment."""
    import boto3
    from object_store import Bucket

    for name, value in store_environment.items():
        monkeypatch.setenv(name, value)
    return Bucket(boto3.client("s3"), f"bucket-{next(_numbers)}")
