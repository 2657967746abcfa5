"""The page of timelines, in a browser."""

import json
import shutil

import pytest
from browser import CHROMIUM, open_page
from command import SAMPLES
from waiting import wait_until

from vswin_cli.pages.timeline.page import write_timelines

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")


def record(num_steps, num_segments, **more):
    """A film of so many quarters of a second."""
    step = num_steps / num_segments
    return {
        "video": "long <b>film</b>.mp4", "error": None, "warnings": [], "model": "m",
        "duration_seconds": num_steps / 4, "step_seconds": 0.25, "shots": [{"start_seconds": 0}],
        "probabilities": [[0.2, 0.5, 0.3]] * (num_steps - 1) + [None],
        "segments": [
            {
                "start_seconds": n * step / 4, "end_seconds": (n + 1) * step / 4, "index": n % 3,
                "start_frame": 0, "end_frame": 1, "label": "abc"[n % 3], "probability": 0.5,
            }
            for n in range(num_segments)
        ],
        **more,
    }  # fmt: skip


@pytest.mark.slow
def test_three_hours_are_shown_and_a_click_jumps(tmp_path):
    output = tmp_path / "page.html"
    write_timelines(output, [record(43_200, 3_000)], ("a", "b", "c"), lambda _: None)
    assert output.stat().st_size < 2_000_000
    with open_page(output.as_uri(), tmp_path / "profile") as page:
        page.resize(1280)
        drawn = "document.querySelector('canvas').width > 900 && document.querySelectorAll('li')"
        wait_until(lambda: page.evaluate(f"{drawn}.length > 10"))
        assert page.evaluate("document.querySelector('h2').textContent") == "long <b>film</b>.mp4"
        assert page.evaluate("document.querySelectorAll('.thumb').length") == 0  # too narrow
        page.evaluate("const zoom = document.querySelector('input'); zoom.value = zoom.max;"
                      "zoom.dispatchEvent(new Event('input'))")  # fmt: skip
        wait_until(lambda: page.evaluate("document.querySelectorAll('.thumb').length > 0"))
        page.evaluate("document.querySelectorAll('.segments button')[5].click()")
        assert page.evaluate("document.querySelector('output').textContent") == "0:18.0"
        page.resize(390)
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.violations() == []


@pytest.mark.slow
def test_report_of_a_film_has_its_frames_and_plays_it(vswin, tmp_path):
    shutil.copy(SAMPLES / "zoom_in.mp4", tmp_path / "z.mp4")
    (tmp_path / "bad.mp4").write_bytes(b"none")
    finished = vswin("timeline", "z.mp4", "bad.mp4", "-o", "t.jsonl", "--report", "r.html")
    assert finished.returncode == 1
    assert finished.stdout.endswith("output: t.jsonl\nreport: r.html\n")
    [good, _] = map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    assert len(good["probabilities"]) == 12
    with open_page((tmp_path / "r.html").as_uri(), tmp_path / "profile") as page:
        page.resize(1280)
        wait_until(lambda: page.evaluate("document.querySelectorAll('.thumb img').length == 1"))
        assert page.evaluate("document.querySelector('.thumb img').naturalWidth") == 54
        assert page.evaluate("document.querySelector('video').getAttribute('src')") == "z.mp4"
        assert "not_a_video" in page.evaluate("document.body.textContent")
    again = vswin("timeline", "z.mp4", "--format", "csv", "--report", "s.html")
    assert again.stderr == "report: s.html\n"
    assert (tmp_path / "s.html").exists()
