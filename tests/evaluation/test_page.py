"""The page of an evaluation, in a real browser; names are always text."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import LOOKS
from waiting import wait_until

from vswin_cli.evaluation.figures import compute_figures
from vswin_cli.evaluation.matching import Matched, Unmatched
from vswin_cli.evaluation.page import Footage, files_in, page_of
from vswin_cli.pages.page import write_page
from vswin_cli.pages.strips import Strips
from vswin_cli.runs.videos import Found
from vswin_cli.zoo.catalog import find_model

NO_FOOTAGE = Footage()
HOSTILE = "</script><img src=x onerror=alert(1)>"


def figures_of(num_videos):
    """Make outcomes for the 400 classes of Kinetics, with two protocols."""
    rng = np.random.default_rng(2)
    records = []
    for number in range(num_videos):
        truth = number % 400
        rank = int(rng.geometric(0.7))
        outcome = {
            "num_clips": 4,
            "num_crops": 3,
            "index": truth if rank == 1 else int(rng.integers(400)) or 1,
            "probability": float(rng.uniform(0.1, 1)),
            "true_rank": rank,
            "true_rank_by_views": [rank] * 12,
            "true_rank_of_centre_crops": rank,
        }
        outcomes = [{**outcome, "protocol": name} for name in ("official", "mmaction2")]
        records.append(
            {"video": f"{number}.mp4", "status": "ok", "true_index": truth, "outcomes": outcomes}
        )
    error = {"kind": "timeout", "message": HOSTILE}
    records.append({"video": HOSTILE, "status": "failed", "true_index": 0, "error": error})
    unmatched = [Unmatched(7, HOSTILE, "x", "no_file", f"no file {HOSTILE}")]
    found = [Found(record["video"], record["video"]) for record in records]
    return compute_figures(find_model("swin-t-k400"), Matched(found, {}, unmatched), records)


def written(folder, figures, footage=NO_FOOTAGE, **options):
    write_page(folder / "page.html", "evaluation", page_of(figures, folder, footage, **options))
    return folder / "page.html"


def content_of(page):
    return json.loads(page.read_text().split('id="content">')[1].split("</script>")[0])


def test_names_cannot_leave_their_element(tmp_path):
    figures = figures_of(500)
    path = written(tmp_path, replace(figures, labels=[HOSTILE, *figures.labels[1:]]))
    page = path.read_text()
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    content = content_of(path)
    assert content["labels"][0] == content["failed"][0][0] == content["unmatched"][0][1] == HOSTILE
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_wrong_answers_have_frames_as_long_as_there_is_room_and_then_names(tmp_path):
    figures = figures_of(500)
    with closing(Strips(tmp_path / "x")) as strips:
        for wrong in figures.protocols[0].wrong:
            strips.add(wrong.video, b"x" * 300)
        content = content_of(written(tmp_path, figures, Footage(strips=strips), max_bytes=20_000))
    items = content["items"]
    with_frames = [item for item in items if item["strip"]]
    assert with_frames == items[: len(with_frames)]
    assert 10 < len(with_frames) < len(items) < content["numWrong"]
    assert 15_000 < len(json.dumps(items, separators=(",", ":"))) < 21_000


def test_annotations_of_a_stranger_show_no_video_outside_the_folder(tmp_path, monkeypatch):
    root = tmp_path / "set"
    shown = [Found("a.mp4", f"{root}/a.mp4"), Found("sub/b.mp4", f"{root}/sub/b.mp4")]
    others = [f"{tmp_path}/x.mp4", f"{root}/../x.mp4", f"{root}2/x.mp4", "http://example.org/x.mp4"]
    found = [*shown, *(Found(path, path) for path in others)]
    assert list(files_in(root, found).values()) == shown
    monkeypatch.chdir(root.parent)
    assert list(files_in(Path("set"), found).values()) == shown
    assert "http://example.org/x.mp4" not in files_in(Path(), found)


TEXT = "document.body.innerText"
VIDEOS = "[...document.querySelectorAll('#cards h3')].map(e => e.textContent)"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The page of 400 classes, one of them with a name that looks like code."""
    figures = figures_of(4000)
    labels = [HOSTILE, *figures.labels[1:]]
    return written(tmp_path_factory.mktemp("page"), replace(figures, labels=labels))


@pytest.mark.slow
def test_four_hundred_classes_are_drawn_and_listed(browser, large):
    browser.resize(1280, 800)
    browser.show(large.as_uri())
    text = browser.evaluate(TEXT)
    assert "4,002: 4,000 videos evaluated, 1 failed, 1 not matched" in text
    assert "published: official 4×3" in text
    assert browser.evaluate("find('classes').rows.length") == 401
    assert browser.evaluate("document.images.length") == 0
    seen = browser.evaluate("""(() => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const seen = { blue: 0, red: 0 };
        for (let i = 0; i < data.length; i += 4)
          if (data[i] > data[i + 2] + 40) seen.red += 1;
          else if (data[i + 2] > data[i] + 40) seen.blue += 1;
        return seen;
    })()""")
    assert seen["blue"] > 500
    assert seen["red"] > 500


@pytest.mark.slow
def test_matrix_zooms_and_leaves_the_swipe_to_the_page(browser, large):
    browser.resize(390)
    browser.show(large.as_uri())
    browser.evaluate("scroller.scrollIntoView({ block: 'center' })")
    box = browser.evaluate("scroller.getBoundingClientRect().toJSON()")
    before = browser.evaluate("scrollY")
    for kind, shift in (("touchStart", 0), *(("touchMove", y) for y in range(20, 220, 20))):
        point = {"x": box["left"] + 200, "y": box["top"] + 250 - shift}
        browser.send("Input.dispatchTouchEvent", type=kind, touchPoints=[point])
    browser.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    wait_until(lambda: browser.evaluate("scrollY") > before + 100)
    browser.evaluate("find('in').click(), find('in').click()")
    assert browser.evaluate("scroller.scrollWidth > 2 * scroller.clientWidth")
    browser.evaluate("scroller.focus({preventScroll: true})")
    browser.press("-", "-")
    assert browser.evaluate("scroller.scrollWidth === scroller.clientWidth")


@pytest.mark.slow
def test_cell_class_and_row_show_their_wrong_answers(browser, tmp_path):
    def videos(choice):
        browser.evaluate(choice)
        return browser.evaluate(VIDEOS)

    figures = small_figures(tmp_path)
    browser.resize(1280, 800)
    browser.show(figures.as_uri())
    names = [f"{number}.mp4" for number in (3, 4, 5)]
    assert browser.evaluate(VIDEOS) == names
    # A cell, with a real click; class 1 (the second row) was mistaken for class 0 twice.
    cell = browser.evaluate("""(() => {
        canvas.scrollIntoView({ block: "center" });
        const box = canvas.getBoundingClientRect();
        const middle = (axis, index) => gutter[axis] + (place.get(index) + 0.5) * side;
        return { x: box.left + middle(0, 0), y: box.top + middle(1, 1) };
    })()""")
    for kind in ("mousePressed", "mouseReleased"):
        click = {"type": kind, "button": "left", "clickCount": 1}
        browser.send("Input.dispatchMouseEvent", **cell, **click)
    assert browser.evaluate(VIDEOS) == names[:2]
    assert "2 videos of 3: air drumming, mistaken for abseiling." in browser.evaluate(TEXT)
    assert browser.evaluate("document.querySelector('#pairs tr.found').innerText").startswith(
        "air drumming\tabseiling"
    )
    # A class, by its row, with videos of other classes that were mistaken for it.
    assert videos("find('all').click()") == names
    row = "[...find('classes').querySelectorAll('tbody button')]"
    assert videos(f"{row}.find(e => e.textContent === 'answering questions').click()") == names[2:]
    assert videos(f"{row}.find(e => e.textContent === 'abseiling').click()") == names


@pytest.mark.slow
def test_few_classes_take_little_room(browser, tmp_path):
    for width in (390, 1280):
        browser.resize(width)
        browser.show(small_figures(tmp_path).as_uri())
        assert browser.evaluate("canvas.clientWidth") < 300
        assert browser.evaluate("side") == 36


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_no_fault_and_nothing_is_wider_than_the_screen(browser, tmp_path, width, scheme):
    page = written(tmp_path, figures_of(30))
    browser.resize(width, 844, scheme)
    browser.show(page.as_uri())
    browser.evaluate("choose(...protocol.pairs[3].slice(0, 2), { isFar: true })")
    assert browser.violations() == []
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


def small_figures(folder):
    """Make the page of three classes: three right answers, three wrong ones."""
    pairs = [(0, 0), (1, 1), (2, 2), (1, 0), (1, 0), (2, 0)]
    records = [
        {
            "video": f"{number}.mp4",
            "status": "ok",
            "true_index": [0, 1, 2][truth],
            "outcomes": [
                {
                    **{"protocol": "official", "num_clips": 1, "num_crops": 1},
                    **{"index": [0, 1, 2][predicted], "probability": 0.6},
                    **{"true_rank": 1 + (truth != predicted), "true_rank_by_views": [1]},
                    "true_rank_of_centre_crops": None,
                }
            ],
        }
        for number, (truth, predicted) in enumerate(pairs)
    ]
    found = [Found(record["video"], record["video"]) for record in records]
    model = find_model("swin-t-k400")
    return written(folder, compute_figures(model, Matched(found, {}, []), records))
