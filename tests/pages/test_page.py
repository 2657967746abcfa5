"""The page: whatever names hold is text, and a real browser shows it."""

import base64
import json
import re
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import ARGUMENTS, CHROMIUM, open_page
from clips import encode, numbered_frames, read_number
from command import VSWIN

from vswin_cli.pages.report.page import build_page

HOSTILE = [
    "<img src=x onerror=alert(1)>.mp4",
    "</script><script>document.title='hacked'</script>.mp4",
    "<!--<script>.mp4",
    "&lt;b&gt; %%SCRIPT%% \u2028 \udce9.mp4",
]


def record(video, *labels, kind=None, folder=Path("/nowhere")):
    return {
        "video": video,
        "path": str(folder / video),
        "clips": [[20, 22, 24, 26, 28], [20, 22, 24, 26, 10]],
        "model": "swin-t-k400",
        "num_frames": None if kind else 100,
        "predictions": [
            {"rank": rank, "label": label, "index": rank, "probability": 0.5 / rank}
            for rank, label in enumerate(labels, start=1)
        ],
        "error": {"kind": kind, "message": f"cannot read {video}"} if kind else None,
        "elapsed_seconds": 0.1,
        "status": "failed" if kind else "ok",
        "bytes": 10,
        "modified": None,
        "settings": {},
        "warnings": [],
    }


@pytest.fixture
def dom(tmp_path):
    """Open a page in headless Chromium and return the document that its script has made."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")

    def opened(page, address="", *arguments):
        path = tmp_path / "page.html"
        path.write_text(page)
        shown = subprocess.run(
            [
                *(CHROMIUM, *ARGUMENTS),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000"),
                *("--dump-dom", *arguments, f"{path.as_uri()}#{address}"),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        return shown.stdout

    return opened


def test_records_cannot_leave_their_element():
    page = build_page([record(name, name) for name in HOSTILE], {HOSTILE[0]: b"\xff\xd8"})
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<img" not in page
    content = page.split('id="content">')[1].split("</script>")[0]
    assert [card["video"] for card in json.loads(content)][:3] == HOSTILE[:3]
    assert json.loads(content)[0]["strip"].startswith("data:image/jpeg;base64,")
    page.encode("utf-8")
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
def test_hostile_names_are_text_in_a_browser(dom):
    page = build_page([record(name, "archery", name) for name in HOSTILE], {})
    shown = dom(page)
    assert "<title>vswin report</title>" in shown
    assert "&lt;img src=x onerror=alert(1)&gt;.mp4</h3>" in shown
    assert "<img" not in shown.partition('id="content"')[0]
    assert "4 of 4 videos" in shown
    assert shown.count('<li class="card"') == 4


@pytest.mark.slow
def test_search_filter_and_sort_work_and_are_in_the_address(dom):
    records = [
        record("a one.mp4", "archery"),
        record("b two.mp4", "bowling", "archery") | {"warnings": ["2 packets are damaged"]},
        record("c three.mp4", kind="timeout"),
    ]
    page = build_page(records, {})
    assert "2 packets are damaged</p>" in dom(page)
    for address, names in (
        ("search=TWO", ["b two"]),
        ("label=archery", ["a one"]),
        ("status=failed", ["c three"]),
        ("search=archery&sort=high", ["a one", "b two"]),
        ("confidence=60", []),
        ("status=warned", ["b two"]),
    ):
        shown = dom(page, address)
        assert f"{len(names)} of 3 videos" in shown
        assert [part.split(".mp4")[0] for part in shown.split("<h3>")[1:]] == names


@pytest.fixture
def page(tmp_path):
    """A page of three videos, open in a browser that takes keys."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    path = tmp_path / "page.html"
    records = [
        record("a one.mp4", "archery"),
        record("b two.mp4", "bowling", "archery"),
        record("c three.mp4", kind="timeout"),
    ]
    path.write_text(build_page(records, {}))
    with open_page(path.as_uri(), tmp_path / "profile") as opened:
        yield opened


NAMES = "[...document.querySelectorAll('.card h3')].map(e => e.textContent)"
FOCUSED = (
    "document.activeElement.querySelector('h3, span')?.textContent ?? document.activeElement.id"
)


@pytest.mark.slow
def test_page_is_used_by_keyboard_alone(page):
    assert page.evaluate(NAMES) == ["a one.mp4", "b two.mp4", "c three.mp4"]
    page.press("/", "t", "w", "o")
    assert page.evaluate(FOCUSED) == "search"
    assert page.evaluate(NAMES) == ["b two.mp4"]
    page.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "b two.mp4"
    page.press("/", "Escape")
    assert len(page.evaluate(NAMES)) == 3
    page.press("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp")
    assert page.evaluate(FOCUSED) == "b two.mp4"
    page.press("/")
    for _ in range(12):  # from the search on, until the histogram's first label has the focus
        page.press("Tab")
        if page.evaluate(FOCUSED) == "archery":
            break
    page.press(" ")
    assert page.evaluate(NAMES) == ["a one.mp4"]
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"


@pytest.mark.slow
def test_page_is_dark_where_the_reader_wants_it(page):
    shades = []
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        page.send("Emulation.setEmulatedMedia", features=[feature])
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shades.append(sum(map(int, re.findall(r"\d+", color))))
    assert shades[0] > 600
    assert shades[1] < 150


@pytest.mark.slow
def test_five_thousand_videos_show_at_once(dom):
    records = [record(f"{number}.mp4", f"label {number % 300}") for number in range(5000)]
    shown = dom(build_page(records, {f"{n}.mp4": b"\xff" * 5000 for n in range(5000)}))
    assert "5000 of 5000 videos" in shown
    assert 60 <= shown.count('<li class="card"') < 500


@pytest.mark.parametrize("moved", [False, True], ids=["in place", "moved"])
def test_command_writes_a_page_with_strips_of_the_sampled_frames(tmp_path, moved):
    folder = tmp_path / "videos"
    folder.mkdir()
    encode(folder / "clip.mp4", numbered_frames(30, 72, 72))
    lines = [
        record("clip.mp4", "archery", folder=folder),
        record("gone.mp4", "bowling", folder=folder),
        record("x", kind="empty"),
    ]
    labels = tmp_path / "labels.jsonl"
    labels.write_text("".join(json.dumps(line) + "\n" for line in lines))
    if moved:
        folder = folder.rename(tmp_path / "elsewhere")
    finished = subprocess.run(
        [
            *(VSWIN, "report", labels, "-o", tmp_path / "page.html"),
            *(("--videos", folder) if moved else ()),
        ],
        capture_output=True,
        text=True,
    )
    assert (finished.returncode, finished.stdout) == (0, f"{tmp_path / 'page.html'}\n")
    assert finished.stderr.startswith("no frames of 1 of 2 videos")
    [strip] = re.findall(r'"data:image/jpeg;base64,([^"]+)"', (tmp_path / "page.html").read_text())
    image = cv2.imdecode(np.frombuffer(base64.b64decode(strip), np.uint8), cv2.IMREAD_COLOR)
    assert [read_number(frame) for frame in np.hsplit(image, 5)] == [10, 20, 24, 26, 28]


def test_report_is_no_other_kind_of_file(tmp_path):
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps(record("x", kind="empty")) + "\n")
    refused = subprocess.run(
        [VSWIN, "report", labels, "-o", labels], capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "is the input too" in refused.stderr
