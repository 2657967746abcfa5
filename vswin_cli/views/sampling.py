"""Which frames of a video make its clips: only integers, no pixels."""

from collections.abc import Callable

import numpy as np

from vswin_cli.zoo.protocols import Sampling, ViewProtocol

TORCHVISION_RATE = 15.0  # frames per second


def clip_indices(num_frames: int, protocol: ViewProtocol, rate: float | None = None) -> np.ndarray:
    """Choose the frames of every clip.

    Args:
        num_frames: Decodable frames, at least 1; not the count in the header.
        protocol: The rule, the number of clips, and the frames per clip.
        rate: Frames per second in the container; only used by torchvision's rule.

    Returns:
        int64 (num_clips, clip_len), each in [0, num_frames).
    """
    if num_frames < 1:
        raise ValueError(f"a video has at least 1 frame, not {num_frames}")
    if protocol.sampling is Sampling.TORCHVISION:
        return _torchvision(num_frames, protocol, rate)
    return _RULES[protocol.sampling](num_frames, protocol)


def _official(num_frames: int, protocol: ViewProtocol) -> np.ndarray:
    """Centre each clip in its share of the video; a short video starts again.

    Source: mmaction 0.x SampleFrames, test mode, out_of_bound_opt="loop".
    """
    free = num_frames - _span(protocol)  # number of positions where a clip can start
    offsets = np.zeros(protocol.num_clips, np.int64)
    if free > 0:
        share = free / protocol.num_clips
        offsets = (np.arange(protocol.num_clips) * share + share / 2).astype(np.int64)
    return _steps_from(offsets, protocol) % num_frames


def _mmaction2(num_frames: int, protocol: ViewProtocol) -> np.ndarray:
    """Spread the clips from the first frame of the video to the last.

    Source: MMAction2 1.x SampleFrames, test mode, out_of_bound_opt="loop".
    """
    last_offset = max(num_frames - _span(protocol), 0)
    if protocol.num_clips == 1:
        offsets = np.array([last_offset // 2])
    else:
        share = last_offset / (protocol.num_clips - 1)
        offsets = np.round(np.arange(protocol.num_clips) * share).astype(np.int64)
    return _steps_from(offsets, protocol) % num_frames


def _uniform(num_frames: int, protocol: ViewProtocol) -> np.ndarray:
    """Take the middle of each of clip_len equal segments; one clip spans the video.

    Source: MMAction2 1.x UniformSample, test mode.
    """
    segment = (num_frames - 1) / protocol.clip_len
    bounds = np.round(segment * np.arange(protocol.clip_len + 1)).astype(np.int64)
    return ((bounds[:-1] + bounds[1:]) // 2)[np.newaxis]


def _torchvision(num_frames: int, protocol: ViewProtocol, rate: float | None) -> np.ndarray:
    """List all clips of adjacent frames at 15 frames per second, and choose evenly among them.

    A video without a rate is not resampled. A video that is shorter than a clip starts again;
    torchvision leaves it out.

    Source: torchvision's VideoClips, which computes in float32 here, and UniformClipSampler.
    """
    step = (rate or TORCHVISION_RATE) / TORCHVISION_RATE
    if step.is_integer():
        resampled = np.arange(0, num_frames, int(step))
    else:
        count = max(int(num_frames * TORCHVISION_RATE / (rate or TORCHVISION_RATE)), 1)
        resampled = np.floor(np.arange(count, dtype=np.float32) * np.float32(step)).astype(np.int64)
    places = max(len(resampled) - protocol.clip_len + 1, 1)  # positions where a clip can start
    starts = np.floor(_linspace(places - 1, protocol.num_clips)).astype(np.int64)
    positions = starts[:, np.newaxis] + np.arange(protocol.clip_len)
    clips: np.ndarray = resampled[positions % len(resampled)]
    return clips


def _linspace(last: int, count: int) -> np.ndarray:
    """Compute `linspace(0, last, count)` like PyTorch: float32, from both ends to the middle."""
    if count == 1:
        return np.zeros(1, np.float32)
    step = np.float32(last) / np.float32(count - 1)
    numbers = np.arange(count, dtype=np.float32)
    return np.where(
        np.arange(count) < count // 2,
        step * numbers,
        np.float32(last) - step * (np.float32(count - 1) - numbers),
    )


def _span(protocol: ViewProtocol) -> int:
    """Number of frames from the first to the last one of a clip, inclusive."""
    return (protocol.clip_len - 1) * protocol.frame_interval + 1


def _steps_from(offsets: np.ndarray, protocol: ViewProtocol) -> np.ndarray:
    steps = np.arange(protocol.clip_len, dtype=np.int64) * protocol.frame_interval
    return offsets[:, np.newaxis].astype(np.int64) + steps


_RULES: dict[Sampling, Callable[[int, ViewProtocol], np.ndarray]] = {
    Sampling.OFFICIAL: _official,
    Sampling.UNIFORM: _uniform,
    Sampling.MMACTION2: _mmaction2,
}
