"""The page of timelines, in a browser."""

import json
import shutil

import pytest
from command import SAMPLES
from waiting import wait_until

from vswin_cli.pages.timeline.page import write_timelines


def record(num_steps, num_segments, **more):
    """Make a film of this many quarters of a second."""
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
def test_three_hours_are_shown_and_a_click_jumps(browser, tmp_path):
    output = tmp_path / "page.html"
    write_timelines(output, [record(43_200, 3_000)], ("a", "b", "c"), lambda _: None)
    assert output.stat().st_size < 2_000_000
    browser.show(output.as_uri())
    browser.resize(1280)
    drawn = "document.querySelector('canvas').width > 900 && document.querySelectorAll('li')"
    wait_until(lambda: browser.evaluate(f"{drawn}.length > 10"))
    assert browser.evaluate("document.querySelector('h2').textContent") == "long <b>film</b>.mp4"
    facts = browser.evaluate("document.querySelector('.film p').textContent")
    assert facts == "m · 3000 segments · 1 shot · 3:00:00.0"
    assert browser.evaluate("document.querySelectorAll('.thumb').length") == 0  # too narrow
    browser.evaluate("const zoom = document.querySelector('input'); zoom.value = zoom.max;"
                  "zoom.dispatchEvent(new Event('input'))")  # fmt: skip
    wait_until(lambda: browser.evaluate("document.querySelectorAll('.thumb').length > 0"))
    browser.evaluate("document.querySelectorAll('.segments button')[5].click()")
    assert browser.evaluate("document.querySelector('output').textContent") == "0:18.0"
    browser.resize(390)
    browser.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    assert browser.violations() == []


@pytest.mark.slow
def test_report_of_a_film_has_its_frames_and_plays_it(browser, vswin, tmp_path):
    shutil.copy(SAMPLES / "zoom_in.mp4", tmp_path / "z.mp4")
    (tmp_path / "bad.mp4").write_bytes(b"none")
    finished = vswin("timeline", "z.mp4", "bad.mp4", "-o", "t.jsonl", "--report", "r.html")
    assert finished.returncode == 1
    assert finished.stdout.endswith("output: t.jsonl\nreport: r.html\n")
    [good, _] = map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    assert len(good["probabilities"]) == 12
    browser.show((tmp_path / "r.html").as_uri())
    browser.resize(1280)
    wait_until(lambda: browser.evaluate("document.querySelectorAll('.thumb img').length == 1"))
    assert browser.evaluate("document.querySelector('.thumb img').naturalWidth") == 54
    assert browser.evaluate("document.querySelector('video').getAttribute('src')") == "z.mp4"
    assert "not_a_video" in browser.evaluate("document.body.textContent")
    again = vswin("timeline", "z.mp4", "--format", "csv", "--report", "s.html")
    assert again.stderr == "report: s.html\n"
    assert (tmp_path / "s.html").exists()
