"""Views of several videos in one batch: the same results, without long waits."""

import json
from pathlib import Path

import pytest
from clips import encode, numbered_frames
from label_run import MODEL, PROTOCOL, BrightnessEngine, label_folder

from vswin_cli.classify import Classifier
from vswin_cli.runs.computing import computed_each
from vswin_cli.runs.pool import DecodedVideo
from vswin_cli.runs.videos import Found
from vswin_cli.views.views import read_views


class Recording(BrightnessEngine):
    """Records the number of views per call."""

    def __init__(self, batch_size, num_at_once=1):
        super().__init__(batch_size=batch_size)
        self.num_at_once = num_at_once
        self.sizes = []

    def start(self, views):
        self.sizes.append(len(views))
        return super().start(views)


@pytest.fixture(scope="module")
def decoded(tmp_path_factory):
    """Videos with 1 and with 4 distinct views, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("videos")
    found = []
    for number, length in enumerate((20, 250, 30, 180, 300, 25)):
        path = encode(folder / f"{number}.mp4", numbered_frames(length, 48, 64))
        found.append(
            DecodedVideo(
                Found(path.name, str(path)), read_views(path, (PROTOCOL,), "auto"), None, 0.0
            )
        )
    return [*found[:2], DecodedVideo(Found("bad", "bad"), None, None, 0.0), *found[2:]]


def computed(videos, engine, is_ready=lambda seconds: True, **options):
    classifier = Classifier(MODEL, engine, PROTOCOL, reader="auto", top_k=3, **options)
    told = []
    each = computed_each(
        iter(videos), is_ready, classifier, lambda d: lambda done, total: told.append((done, total))
    )
    results = {
        video.found.video: outputs and (outputs.probabilities.tolist(), outputs.weights.tolist())
        for video, outputs, _ in each
    }
    return results, told


@pytest.mark.parametrize("options", [{}, {"adaptive": True}])
@pytest.mark.parametrize(("batch_size", "num_at_once"), [(3, 1), (8, 2), (64, 1)])
def test_results_do_not_depend_on_what_shares_a_batch(decoded, options, batch_size, num_at_once):
    expected, _ = computed(decoded, Recording(1), **options)
    engine = Recording(batch_size, num_at_once)
    found, told = computed(decoded, engine, **options)
    assert found == expected
    assert found["bad"] is None
    assert 1 < max(engine.sizes) <= batch_size
    assert sum(engine.sizes) == len(told)
    assert all(0 < done <= total for done, total in told)


def test_views_of_several_videos_fill_a_batch(decoded):
    engine = Recording(8)
    computed(decoded, engine)
    assert engine.sizes == [8, 7]  # 1 + 4 + 1 + 4 + 4 + 1


def test_a_batch_that_nothing_comes_for_is_computed_as_it_is(decoded):
    asked = []

    def is_ready(seconds):
        asked.append(seconds)
        return False

    engine = Recording(8)
    computed(decoded, engine, is_ready)
    assert engine.sizes == [1, 4, 1, 4, 4, 1]
    assert 0 < max(asked) < 1


def test_run_with_batches_records_the_same_and_one_video_fails_alone(tmp_path):
    (tmp_path / "videos").mkdir()
    for number, name in enumerate(("a", "raises", "b", "segfaults", "c")):
        encode(tmp_path / "videos" / f"{name}.mp4", numbered_frames(70 + 10 * number, 48, 64))
    records = []
    for batch_size in (1, 16):
        output = tmp_path / f"{batch_size}.jsonl"
        label_folder(tmp_path / "videos", output, batch_size=batch_size, timeout_seconds=60)
        lines = map(json.loads, Path(output).read_text().splitlines())
        kept = ("video", "status", "predictions", "error")
        records.append([{key: line[key] for key in kept} for line in lines])
    assert records[0] == records[1]
    assert [r["status"] for r in records[0]] == ["ok", "ok", "ok", "failed", "failed"]


def test_predict_gathers_the_views_of_one_video(decoded, tmp_path):
    engine = Recording(3)
    classifier = Classifier(MODEL, engine, PROTOCOL, reader="auto", top_k=3)
    seen = []
    classifier.classify(decoded[1].found.path, lambda done, total: seen.append((done, total)))
    assert engine.sizes == [3, 1]
    assert seen[-1] == (4, 4)
