"""The page of a run in a real browser: names are always text, and records from strangers show no
files of this machine.
"""

import base64
import json
import os
import re
import tracemalloc
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import LOOKS
from clips import encode, numbered_frames, read_number
from waiting import wait_until

from vswin_cli.api.report import make_report
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.pages.report.page import write_report
from vswin_cli.pages.strips import Strips

HOSTILE = [
    "<img src=x onerror=alert(1)>.mp4",
    "</script><script>document.title='hacked'</script>.mp4",
    "<!--<script>.mp4",
    "&lt;b&gt; %%SCRIPT%% \u2028 \udce9.mp4",
]
JPEG = cv2.imencode(".jpg", np.zeros((72, 360, 3), np.uint8))[1].tobytes()


def record(video, *labels, kind=None, folder=Path("/nowhere"), warnings=()):
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
        "warnings": list(warnings),
    }


RECORDS = [
    record("a one.mp4", "archery"),
    record("b two.mp4", "bowling", "archery", warnings=["2 packets are damaged"]),
    record("c three.mp4", kind="timeout"),
    record("d four timeout.mp4", kind="empty"),
]


def written(path, records, **options):
    """Write the pages of records."""
    return write_report(path, records, date="2026-11-28 12:00 UTC", **options)


def journal(path, records):
    path.write_text("".join(json.dumps(line) + "\n" for line in records))
    return path


def content_of(page):
    return json.loads(page.read_text().split('id="content">')[1].split("</script>")[0])


@pytest.fixture
def strips(tmp_path):
    with closing(Strips(tmp_path / "x.html")) as strips:
        yield strips


@pytest.fixture
def page(browser, tmp_path):
    """A page of four videos, in a browser that receives keys."""
    [path] = written(tmp_path / "page.html", RECORDS)
    browser.resize(1280, 800)
    browser.show(path.as_uri())
    return browser


NAMES = "[...document.querySelectorAll('.card h2')].map(e => e.textContent)"
TEXT = "document.body.innerText"
FOCUSED = (
    "document.activeElement.querySelector('h2, span')?.textContent ?? document.activeElement.id"
)


def bars(field):
    return f"[...document.querySelectorAll('#{field} button')].map(e => e.innerText.split('\\n'))"


def test_page_of_videos_on_several_drives_of_windows(tmp_path, monkeypatch):
    def differ(paths):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", differ)
    [page] = written(tmp_path / "page.html", RECORDS)
    assert ["Folder", "several drives"] in content_of(page)["about"]


# ----------------------------------------------------------------------------------- names


def test_records_cannot_leave_their_element(tmp_path, strips):
    strips.add(HOSTILE[0], JPEG)
    [path] = written(tmp_path / "x.html", [record(n, n) for n in HOSTILE], strips=strips)
    page = path.read_text()
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    cards = content_of(path)["items"]
    assert [card["video"] for card in cards][:3] == HOSTILE[:3]
    assert cards[0]["strip"].startswith("data:image/jpeg;base64,")
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
def test_records_that_no_run_writes_still_make_a_page(tmp_path):
    odd = record("a\0b", "x" * 10_000) | {"path": "\ud800", "clips": [], "num_frames": "many"}
    odd["predictions"][0]["probability"] = float("nan")
    odd["warnings"] = ["w" * 10_000] * 10_000
    [path] = make_report(journal(tmp_path / "l.jsonl", [odd]), tmp_path / "x.html").pages
    [card] = content_of(path)["items"]
    assert card["labels"] == [["x" * 499 + "…", 0]]
    assert path.stat().st_size < 60_000


def test_failures_are_told_once_and_only_what_may_be_a_video_is_offered_to_play(tmp_path):
    records = [record(f"{kind}.mp4", kind=kind) for kind in ("empty", "timeout")]
    for each in records:
        each["error"]["message"] = f"cannot read videos/{each['video']}: it took: too long; wait"
    [path] = written(tmp_path / "x.html", records, find=lambda each: str(tmp_path / each["video"]))
    cards = content_of(path)["items"]
    assert [card["error"][1] for card in cards] == ["it took: too long; wait"] * 2
    assert [card["file"] for card in cards] == [None, "timeout.mp4"]


@pytest.mark.slow
def test_hostile_names_are_text_in_a_browser(browser, tmp_path):
    [path] = written(tmp_path / "x.html", [record(n, "archery", n) for n in HOSTILE])
    browser.show(path.as_uri())
    assert browser.evaluate("document.title") == "vswin report"
    assert browser.evaluate(NAMES)[:3] == HOSTILE[:3]
    assert browser.evaluate("document.images.length") == 0


# --------------------------------------------------------------------- finding one's way


@pytest.mark.slow
def test_search_filter_and_sort_work_and_are_in_the_address(page):
    address = page.evaluate("location.href").partition("#")[0]
    for chosen, names in (
        ("search=TWO", ["b two.mp4"]),
        ("label=archery", ["a one.mp4"]),
        ("status=failed", ["c three.mp4", "d four timeout.mp4"]),
        ("kind=timeout", ["c three.mp4"]),
        ("search=archery&sort=high", ["a one.mp4", "b two.mp4"]),
        ("confidence=60", []),
        ("status=warned", ["b two.mp4"]),
    ):
        page.show(f"{address}#{chosen}")
        assert page.evaluate(NAMES) == names
        assert f"{len(names)} of 4 videos" in page.evaluate(TEXT)


@pytest.mark.slow
def test_click_on_a_failure_filters_by_its_kind_and_histograms_follow(page):
    assert page.evaluate(bars("histogram")) == [["archery", "1"], ["bowling", "1"]]
    page.evaluate("[...document.querySelectorAll('#kinds button')].at(-1).click()")
    assert page.evaluate(NAMES) == ["c three.mp4"]
    assert page.evaluate("find('search').value") == ""
    assert page.evaluate(bars("histogram")) == []
    assert page.evaluate(bars("kinds")) == [["empty", "1"], ["timeout", "1"]]
    page.evaluate("document.querySelector('#active button').click()")
    assert len(page.evaluate(NAMES)) == 4
    page.press("/", "b", "o", "w")
    assert page.evaluate(bars("histogram")) == [["bowling", "1"]]
    page.press("x")
    assert "No video matches: “bowx”." in page.evaluate(TEXT)
    page.evaluate("document.querySelector('#none button').click()")
    wait_until(lambda: len(page.evaluate(NAMES)) == 4)


@pytest.mark.slow
def test_page_is_used_by_keyboard_alone(page):
    page.press("/", "t", "w", "o")
    assert page.evaluate(FOCUSED) == "search"
    assert page.evaluate(NAMES) == ["b two.mp4"]
    page.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "b two.mp4"
    page.press("/", "Escape")
    assert len(page.evaluate(NAMES)) == 4
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
def test_head_says_what_the_page_is_of(page):
    assert page.evaluate("find('about').innerText.split('\\n')") == [
        *("Model", "swin-t-k400", "Folder", "/nowhere", "Date", "2026-11-28 12:00 UTC"),
        *("Videos", "4: 2 labelled, 2 failed, 1 with warnings"),
    ]


# ------------------------------------------------------------------------------ the looks


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_no_fault_and_nothing_is_wider_than_the_screen(page, width, scheme):
    page.resize(width, scheme=scheme)
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    shade = sum(map(int, re.findall(r"\d+", colour)))
    assert (shade > 600) if scheme == "light" else (shade < 150)
    for open_filters in (False, True):
        if open_filters:
            page.evaluate("find('more').click(), document.querySelector('summary').click()")
        assert page.violations() == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_sidebar_stays_and_a_phone_shows_videos(browser, tmp_path):
    records = [record(f"{number}.mp4", "archery") for number in range(200)]
    browser.show(written(tmp_path / "x.html", records)[0].as_uri())
    for width, height in ((1280, 800), (1920, 1080), (390, 844)):
        browser.resize(width, height)
        browser.evaluate("scrollTo(0, 5000)")
        box = browser.evaluate("find('filters').getBoundingClientRect().toJSON()")
        assert box["top"] == 0  # in view at any scroll position
        assert box["height"] > 300 if width > 390 else box["height"] < 60
        left = browser.evaluate("document.querySelector('.card').getBoundingClientRect().left")
        assert left < (330 if width > 390 else 20)


@pytest.mark.slow
def test_printing_shows_all_cards(browser, tmp_path):
    records = [record(f"{number}.mp4", "archery") for number in range(300)]
    browser.show(written(tmp_path / "x.html", records)[0].as_uri())
    assert len(browser.evaluate(NAMES)) < 300
    pdf = base64.b64decode(browser.send("Page.printToPDF")["data"])
    assert len(browser.evaluate(NAMES)) == 300
    assert len(re.findall(rb"/Type /Page\b", pdf)) > 10


# ---------------------------------------------------------------------------- large ones


@pytest.mark.slow
def test_five_thousand_videos_show_at_once(browser, tmp_path, strips):
    for number in range(5000):
        strips.add(f"{number}.mp4", b"\xff" * 5000)
    records = [record(f"{number}.mp4", f"label {number % 300}") for number in range(5000)]
    [path] = written(tmp_path / "x.html", records, strips=strips)
    browser.resize(1280)
    browser.show(path.as_uri())
    assert "5,000 of 5,000 videos" in browser.evaluate(TEXT)
    assert 60 <= len(browser.evaluate(NAMES)) < 500
    assert len(browser.evaluate(bars("histogram"))) == 100
    assert "and 200 more" in browser.evaluate(TEXT)


def test_what_is_too_large_for_one_page_is_written_to_several(tmp_path):
    path = tmp_path / "my page.html"
    records = [record(f"{number}.mp4", "archery") for number in range(100)]
    pages = written(path, records, max_bytes=5000)
    assert [page.name for page in pages[:3]] == ["my page.html", "my page.2.html", "my page.3.html"]
    shown = [content_of(page) for page in pages]
    assert [card["video"] for each in shown for card in each["items"]] == [
        each["video"] for each in records
    ]
    assert all(len(json.dumps(each["items"])) < 7000 for each in shown)
    assert shown[1]["pages"][2] == "my%20page.3.html"
    assert (shown[1]["page"], shown[1]["first"]) == (2, len(shown[0]["items"]) + 1)
    assert shown[1]["total"] == 100
    names = [[card[0] for card in cards] for cards in shown[1]["index"]["pages"]]
    assert names == [[card["video"] for card in each["items"]] for each in shown]
    # Fewer pages the next time: the rest of the larger set is removed, files of others stay.
    other = tmp_path / f"my page.{len(pages) + 1}.html"
    other.write_text("mine")
    assert written(path, records[:2]) == [path]
    assert sorted(tmp_path.iterdir()) == sorted([path, other])


@pytest.mark.slow
def test_filters_go_along_to_another_page(browser, tmp_path):
    records = [record(f"{number}.mp4", f"label {number % 2}") for number in range(40)]
    first = written(tmp_path / "x.html", records, max_bytes=4000)[0]
    browser.show(f"{first.as_uri()}#label=label+1")
    assert "of 40; filters and histograms apply to this page" in browser.evaluate(TEXT)
    browser.evaluate("find('pages').querySelectorAll('a')[1].click()")
    wait_until(lambda: "x.2.html#label=label+1" in browser.evaluate("location.href"))
    wait_until(lambda: set(browser.evaluate(NAMES)) <= {f"{n}.mp4" for n in range(1, 40, 2)})
    links = browser.evaluate("[...document.querySelectorAll('#pages a')].map(e => e.innerText)")
    assert len(links) == 2
    assert sum(int(link.split("(")[1].rstrip(")")) for link in links) == 20
    browser.evaluate("find('none').querySelector('button').click()")
    wait_until(lambda: "(" not in browser.evaluate("find('pages').querySelector('a').innerText"))
    assert browser.violations() == []


def test_pages_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.html"
    written(path, RECORDS)
    before = path.read_bytes()
    (tmp_path / "x.2.html").write_text("mine")
    many = [record(f"{number}.mp4", "archery") for number in range(100)]
    with pytest.raises(OutputError, match=r"x\.2\.html is not a page of vswin"):
        written(path, many, max_bytes=5000)
    monkeypatch.setattr("vswin_cli.pages.page.encoded", lambda content: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        written(path, RECORDS)
    assert path.read_bytes() == before
    assert (tmp_path / "x.2.html").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_memory_does_not_grow_with_the_records(tmp_path, strips):
    strips.add("same.mp4", b"\xff" * 5000)
    records = (record("same.mp4", "archery") for _ in range(3000))
    tracemalloc.start()
    try:
        pages = written(tmp_path / "x.html", records, strips=strips)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pages[0].stat().st_size > 20_000_000
    assert peak < 3_000_000


# -------------------------------------------------------------------------------- videos


@pytest.fixture
def video(tmp_path):
    (tmp_path / "videos").mkdir()
    return encode(tmp_path / "videos" / "clip.mp4", numbered_frames(30, 72, 72))


@pytest.mark.slow
@pytest.mark.parametrize("moved", [False, True], ids=["in place", "moved"])
def test_command_writes_a_page_with_strips_of_the_sampled_frames(vswin, tmp_path, video, moved):
    lines = [
        record("clip.mp4", "archery", folder=video.parent),
        record("gone.mp4", "bowling", folder=video.parent),
        record("x", kind="empty"),
    ]
    labels = journal(tmp_path / "labels.jsonl", lines)
    folder = video.parent.rename(tmp_path / "elsewhere") if moved else video.parent
    where = ("--videos", folder) if moved else ()
    finished = vswin("report", labels, "-o", tmp_path / "page.html", *where)
    assert (finished.returncode, finished.stdout) == (0, f"{tmp_path / 'page.html'}\n")
    assert finished.stderr.startswith("no frames for 1 of 2 videos: 1 moved, deleted or unreadable")
    shown = content_of(tmp_path / "page.html")["items"]
    assert [card["file"] for card in shown] == [f"{folder.name}/clip.mp4", None, None]
    if moved:
        printed = vswin("report", labels, "-o", "-", *where, PYTHONIOENCODING="ascii").stdout
        assert f'"file":"{folder.name}/clip.mp4"' in printed
        assert "·" in printed  # UTF-8, as the page says
    strip = base64.b64decode(shown[0]["strip"].partition(",")[2])
    image = cv2.imdecode(np.frombuffer(strip, np.uint8), cv2.IMREAD_COLOR)
    assert [read_number(frame) for frame in np.hsplit(image, 5)] == [10, 20, 24, 26, 28]


def test_records_of_a_stranger_show_no_video_outside_the_folder(tmp_path, video):
    folder = tmp_path / "handed over"
    folder.mkdir()
    (folder / "link.mp4").symlink_to(video)
    (folder / "all").symlink_to(video.parent)
    hostile = ("../videos/clip.mp4", str(video), "link.mp4", "all/clip.mp4")
    lines = [record(name, "archery", folder=folder) for name in hostile]
    labels = journal(folder / "labels.jsonl", lines)
    for folders in ((), (folder,)):
        made = make_report(labels, folder / "page.html", videos=folders)
        assert (made.num_ok, made.num_outside, made.num_strips) == (4, 4, 0)
        shown = content_of(folder / "page.html")["items"]
        assert {(card["strip"], card["file"]) for card in shown} == {(None, None)}
    # The user may name the other folder as well.
    made = make_report(labels, folder / "page.html", videos=[folder, video.parent])
    assert (made.num_outside, made.num_strips) == (0, 4)


@pytest.mark.slow
def test_local_video_plays_in_place(browser, tmp_path, video):
    name = "50% of <this>: #1?.mp4"
    clip = video.rename(video.with_name(name))
    other = clip.with_name("no video.mp4")
    other.write_text("text")
    lines = [record(path.name, "archery", folder=path.parent) for path in (clip, other)]
    labels = journal(tmp_path / "labels.jsonl", lines)
    browser.show(make_report(labels, tmp_path / "page.html").pages[0].as_uri())
    browser.evaluate("document.querySelectorAll('button.frames').forEach(each => each.click())")
    wait_until(lambda: browser.evaluate("document.querySelector('video')?.readyState >= 2"))
    assert browser.evaluate("document.querySelector('video').duration") > 0.5
    wait_until(lambda: "Cannot be played here" in browser.evaluate(TEXT))
    assert browser.evaluate("document.querySelectorAll('video').length") == 1
    assert browser.violations() == []


def test_report_is_no_other_kind_of_file(tmp_path):
    labels = journal(tmp_path / "labels.jsonl", [record("x", kind="empty")])
    os.mkfifo(tmp_path / "pipe.html")
    for output, fault in ((labels, "is a file"), (tmp_path / "pipe.html", "is not a file")):
        with pytest.raises(UsageError, match=fault):
            make_report(labels, output)
