"""Every command in the documentation runs, and prints the output on the page."""

import os
import shutil
from contextlib import suppress

import pytest
from command import SAMPLES, VSWIN, surroundings
from console import PAGES, Console, blocks_of, lines_of, matches, name_of
from foreign import as_torchvision, original, save_zip

from vswin_cli.zoo.architectures import TINY
from vswin_cli.zoo.catalog import find_model

FILL = "VSWIN_FILL_PAGES"  # set it to write new output into the pages


@pytest.fixture
def console(tmp_path, shared, cache, checkpoint, made_once):
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
    )
    del environment["VSWIN_OFFLINE"], environment["COLUMNS"]  # as wide as the output

    def stand_in(name):
        if name == "swin3d_t.pth":
            weights = as_torchvision(original(TINY, num_classes=400))
            return made_once(name, lambda path: save_zip(path, weights))
        published = find_model("swin-t-k400").classifier_file
        assert name == f"weights/{published.name}"

        def write(path):  # as long as the published file
            shutil.copy(checkpoint("swin-t-k400"), path)
            os.truncate(path, published.num_bytes)

        return made_once(published.name, write)

    return Console(tmp_path, environment, of_pages, stand_in)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```console" in page.read_text()], ids=name_of
)
def test_commands_of_a_page_print_what_it_shows(page, console):
    wrong = []
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if block.reason:
            continue
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
