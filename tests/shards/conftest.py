from itertools import count

import pytest

_numbers = count()
FAST = ("--views", "fast")  # the number of views proves nothing here


@pytest.fixture
def vswin(vswin):
    """Call the command; `label` and `embed` take one view per video."""

    def run(command, *words):
        return vswin(command, *words, *(FAST if command in ("label", "embed") else ()))

    return run


@pytest.fixture
def store(running_store):
    """The server, with normal answers until a test changes them."""
    yield running_store
    running_store.rule = lambda method, path: None


@pytest.fixture
def bucket(store, monkeypatch):
    """An empty bucket; clients find its server through the environment."""
    import boto3
    from object_store import Bucket

    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    return Bucket(boto3.client("s3"), f"bucket-{next(_numbers)}")
