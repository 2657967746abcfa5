"""The page of an evaluation: whatever names hold is text, and a real browser draws it."""

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from vswin_cli.evaluation.figures import compute_figures
from vswin_cli.evaluation.matching import Matched, Unmatched
from vswin_cli.evaluation.page import build_page
from vswin_cli.runs.videos import Found
from vswin_cli.zoo.catalog import find_model

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "</script><img src=x onerror=alert(1)>"


def figures_of(num_videos):
    """Made-up outcomes of the 400 classes of Kinetics, by two protocols."""
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


def test_names_cannot_leave_their_element():
    figures = figures_of(500)
    page = build_page(replace(figures, labels=[HOSTILE, *figures.labels[1:]]))
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    content = json.loads(page.split('id="content">')[1].split("</script>")[0])
    assert content["labels"][0] == content["failed"][0][0] == content["unmatched"][0][1] == HOSTILE
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_four_hundred_classes_are_drawn_and_listed(tmp_path):
    figures = figures_of(4000)
    page = build_page(replace(figures, labels=[HOSTILE, *figures.labels[1:]]))
    shown = opened(page, tmp_path)
    assert "4,002: 4,000 videos evaluated, 1 failed, 1 not matched" in shown
    assert "published: official 4×3" in shown
    assert shown.count("<svg") == 2
    assert shown.partition('id="classes"')[2].partition("</table>")[0].count("<tr") == 401
    assert "<img" not in shown.partition('id="content"')[0]

    # What is drawn of the matrix: are there pixels of right and of wrong cells? And does it zoom?
    probe = """
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const seen = { blue: 0, red: 0 };
        for (let i = 0; i < data.length; i += 4)
          if (data[i] > data[i + 2] + 40) seen.red += 1;
          else if (data[i + 2] > data[i] + 40) seen.blue += 1;
        const span = view.span;
        openPair(3, 3);
        document.title = `${seen.blue > 500} ${seen.red > 500} ${span} ${view.span}`;
    """
    before, after = page.rsplit("</script>", 1)
    before = before.replace('http-equiv="Content-Security-Policy"', "")
    shown = opened(f"{before}{probe}</script>{after}", tmp_path)
    assert "<title>true true 400 16</title>" in shown
    assert f"{figures.labels[3]}, recognised: " in shown


def opened(page, tmp_path):
    """The document that the page's script has made, in headless Chromium."""
    path = tmp_path / "page.html"
    path.write_text(page)
    shown = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000"),
            *("--dump-dom", path.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return shown.stdout
