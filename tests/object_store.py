"""A local object store, as S3 is, and what is in a bucket of it."""

import io
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow.parquet as pq
from command import SAMPLES
from waiting import wait_until


@contextmanager
def store_server() -> Iterator[dict[str, str]]:
    """Run a server; yields the environment that leads clients to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _is_up(port))
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "hunter2",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.kill()
        server.wait()


class Bucket:
    """A bucket; keys are without its name."""

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
        """Of all shards in `out/`."""
        shards = [self.get(key) for key in self.list() if key.startswith("out/part-")]
        return [row for shard in shards for row in pq.read_table(io.BytesIO(shard)).to_pylist()]


def _is_up(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
