import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from vswin_cli.views.sampling import clip_indices
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "sampling.json").read_text())
COLUMNS = {
    "official_4x32x2": ViewProtocol(Sampling.OFFICIAL, num_clips=4),
    "mmaction2_4x32x2": ViewProtocol(Sampling.MMACTION2, num_clips=4),
    "official_1x32x2": ViewProtocol(Sampling.OFFICIAL, num_clips=1),
    "uniform_1x32": ViewProtocol(Sampling.UNIFORM, num_clips=1),
}
OFFICIAL = COLUMNS["official_4x32x2"]


@pytest.mark.parametrize("column", COLUMNS)
def test_indices_are_the_original_samplers_for_every_length(column):
    for num_frames, expected in REFERENCE["digests"][column].items():
        indices = clip_indices(int(num_frames), COLUMNS[column]).ravel().tolist()
        digest = hashlib.sha256(" ".join(map(str, indices)).encode()).hexdigest()[:16]
        assert digest == expected, f"{num_frames} frames: {indices}"


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("case", REFERENCE["full"], ids=lambda case: str(case["num_frames"]))
def test_indices_are_the_original_samplers_one_by_one(column, case):
    clips = clip_indices(case["num_frames"], COLUMNS[column])
    assert clips.ravel().tolist() == case[column]


@pytest.mark.parametrize("sampling", Sampling)
@pytest.mark.parametrize("num_frames", [1, 2, 31, 62, 63, 64, 65, 999])
def test_indices_lie_within_the_video(sampling, num_frames):
    protocol = ViewProtocol(sampling, num_clips=1 if sampling is Sampling.UNIFORM else 5)
    clips = clip_indices(num_frames, protocol)
    assert clips.shape == (protocol.num_clips, 32)
    assert clips.dtype == np.int64
    assert clips.min() >= 0
    assert clips.max() < num_frames


def test_short_video_wraps_to_its_start():
    assert clip_indices(5, OFFICIAL)[0, :6].tolist() == [0, 2, 4, 1, 3, 0]


def test_short_video_has_equal_clips():
    assert len(np.unique(clip_indices(63, OFFICIAL), axis=0)) == 1
    assert len(np.unique(clip_indices(70, OFFICIAL), axis=0)) > 1


def test_length_and_interval_come_from_the_protocol():
    protocol = ViewProtocol(Sampling.OFFICIAL, num_clips=2, clip_len=3, frame_interval=4)
    # A clip spans 9 frames, so it can start at 92 places, 46 a clip.
    assert clip_indices(101, protocol).tolist() == [[23, 27, 31], [69, 73, 77]]


def test_a_video_without_frames_has_no_clips():
    with pytest.raises(ValueError, match="at least 1 frame"):
        clip_indices(0, OFFICIAL)
