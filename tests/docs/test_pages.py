"""Every command in the documentation runs, and prints the output on the page."""

import io
import os
import shutil
from contextlib import ExitStack, suppress
from unittest import mock

import pytest
from clips import as_transport_stream
from command import SAMPLES, VSWIN, surroundings
from console import PAGES, Console, blocks_of, lines_of, matches, name_of
from foreign import as_torchvision, original, save_zip
from ray_cluster import ray_cluster
from rtsp_server import rtsp_server

from vswin_cli.zoo.architectures import TINY
from vswin_cli.zoo.catalog import find_model

FILL = "VSWIN_FILL_PAGES"  # set it to write new output into the pages


@pytest.fixture
def console(tmp_path, shared, cache, checkpoint, made_once, running_store):
    """A folder like that of the pages, with a mirror called `weights`."""
    shutil.copytree(SAMPLES, tmp_path / "sample_videos")
    (tmp_path / "weights").mkdir()
    (cache / "graphs").mkdir(exist_ok=True)
    of_pages = shared / "pages-cache"  # it may contain more than the cache of the other tests
    of_pages.mkdir(exist_ok=True)
    with suppress(FileExistsError):
        (of_pages / "graphs").symlink_to(cache / "graphs")
    environment = surroundings(
        of_pages,
        PATH=f"{VSWIN.parent}{os.pathsep}{os.environ['PATH']}",
        VSWIN_MIRROR=(tmp_path / "weights").as_uri(),
        **running_store.environment,
    )
    del environment["VSWIN_OFFLINE"], environment["COLUMNS"]  # as wide as the output

    def stand_in(name):
        if name == "swin3d_t.pth":
            weights = as_torchvision(original(TINY, num_classes=400))
            return made_once(name, lambda path: save_zip(path, weights))
        if name == "s3://bucket/":
            fill_bucket(running_store)
            return name
        if name == "--cluster auto":
            servers.enter_context(mock.patch.dict(os.environ, running_store.environment))
            environment["RAY_ADDRESS"] = servers.enter_context(ray_cluster()).address
            return name
        if name == "rtsp://host/1":
            film = as_transport_stream(SAMPLES / "films" / "tour.mp4", tmp_path / "tour.ts")
            return servers.enter_context(rtsp_server(film, speed=4, stops_after=8))
        published = find_model("swin-t-k400").classifier_file
        assert name == f"weights/{published.name}"

        def write(path):  # as long as the published file
            shutil.copy(checkpoint("swin-t-k400"), path)
            os.truncate(path, published.num_bytes)

        return made_once(published.name, write)

    with ExitStack() as servers:
        yield Console(tmp_path, environment, of_pages, stand_in)


def fill_bucket(store):
    """Make the bucket of the pages: a folder of clips, and a list of one of them."""
    import boto3
    import pyarrow as pa
    import pyarrow.parquet as pq
    from object_store import Bucket

    with mock.patch.dict(os.environ, store.environment):
        bucket = Bucket(boto3.client("s3"), "bucket")
    paths = [
        bucket.put(f"clips/{name}.mp4", (SAMPLES / f"{name}.mp4").read_bytes())
        for name in ("pan_left", "zoom_in")
    ]
    table = io.BytesIO()
    pq.write_table(pa.table({"path": paths[:1]}), table)
    bucket.put("list.parquet", table.getvalue())


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```console" in page.read_text()], ids=name_of
)
def test_commands_of_a_page_print_what_it_shows(page, console):
    wrong = []
    for block in blocks_of(page.read_text(encoding="utf-8")):
        for command in block.first:
            console.run(command)
        for shown in block.commands:
            out, err = console.run(shown.command)
            printed = lines_of(out, err)
            if not matches(shown.output, printed, measured=block.is_measured):
                wrong.append((block.line, shown, printed))
    if FILL in os.environ:
        fill(page, wrong)
        return
    assert not wrong, "\n".join(
        f"{name_of(page)}:{line}: $ {shown.command}\n" + "\n".join(printed)
        for line, shown, printed in wrong
    )


def fill(page, wrong):
    text = page.read_text(encoding="utf-8")
    for _, shown, printed in wrong:
        before = "\n".join([f"$ {shown.command}", *shown.output])
        text = text.replace(before + "\n", "\n".join([f"$ {shown.command}", *printed]) + "\n", 1)
    page.write_text(text, encoding="utf-8")
