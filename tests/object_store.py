"""A local object store like S3, and the content of its buckets."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Thread

import pyarrow.parquet as pq
from command import SAMPLES


class Store:
    """A server of objects in a thread of this process.

    `rule` is called before every request with `(method, path)`, from any thread; if it returns a
    status, that is the answer.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *_: object) -> None:
                pass

        self.rule: Callable[[str, str], int | None] = lambda method, path: None
        self._objects = DomainDispatcherApplication(create_backend_app)
        self.server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet
        )
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.server_port}",
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "hunter2",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "2",  # for all tests, because fsspec keeps clients
        }

    def _answer(self, environ, start_response):
        status = self.rule(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if status is None:
            return self._objects(environ, start_response)
        start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", "0")])
        return [b""]


@contextmanager
def store_server() -> Iterator[Store]:
    """Run a server."""
    store = Store()
    thread = Thread(target=store.server.serve_forever)
    thread.start()
    try:
        yield store
    finally:
        store.server.shutdown()
        thread.join()
        store.server.server_close()


class Bucket:
    """A bucket; keys do not include its name."""

    def __init__(self, client, name: str) -> None:
        self.client, self.name = client, name
        client.create_bucket(Bucket=name)

    def address(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, content: bytes) -> str:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)
        return self.address(key)

    def put_samples(self, *names: str) -> None:
        for name in names:
            self.put(f"in/a/{name}.mp4", (SAMPLES / f"{name}.mp4").read_bytes())

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def list(self) -> "list[str]":
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def rows(self) -> "list[dict]":
        """Return the rows of all shards in `out/`."""
        shards = [self.get(key) for key in self.list() if key.startswith("out/part-")]
        return [row for shard in shards for row in pq.read_table(io.BytesIO(shard)).to_pylist()]
