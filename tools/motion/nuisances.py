"""Properties of real footage other than motion: exposure, grain, bars, captions, compression."""

import io

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

Rng = np.random.Generator


def disturb(rng: Rng, frames: np.ndarray, strength: float) -> np.ndarray:
    """Add light, grain, overlays and compression to frames, uint8 (T, H, W, 3).

    Args:
        rng: Random generator.
        frames: Clean frames.
        strength: Probability and strength of each, as a share of the test's.
    """
    clip = frames.astype(np.float32)
    clip = _expose(rng, clip, strength)
    if rng.random() < 0.3 * strength:
        clip += _shimmer(rng, *frames.shape[:3])
    if rng.random() < 0.5 * strength:
        sigma = rng.uniform(0, 9) * strength
        channels = rng.choice((1, 3))
        clip += sigma * rng.standard_normal((*frames.shape[:3], channels), np.float32)
    disturbed = np.clip(clip, 0, 255).astype(np.uint8)
    overlays = rng.random(3)
    if overlays[0] < 0.2 * strength:
        _letterbox(rng, disturbed)
    if overlays[1] < 0.1 * strength:
        _caption(rng, disturbed)
    if overlays[2] < 0.2 * strength:
        return jpeg(disturbed, int(rng.integers(25, 85)))
    return disturbed


def _expose(rng: Rng, clip: np.ndarray, strength: float) -> np.ndarray:
    """Change contrast and brightness of the clip; add drift, flicker and colour."""
    num_frames = len(clip)
    clip = (clip - clip.mean()) * rng.choice((-1, 1))
    contrast = np.exp(rng.uniform(np.log(12), np.log(70)))  # grey levels, RMS
    clip *= min(contrast / max(float(clip.std()), 1.0), 4.0)
    clip += rng.uniform(60, 190)
    gain = np.ones(num_frames, np.float32)
    times = np.linspace(0, 1, num_frames)
    if rng.random() < 0.4 * strength:
        gain *= np.exp(rng.normal(scale=0.2) * (times - 0.5) * 2)
    if rng.random() < 0.3 * strength:
        beat = np.sin(2 * np.pi * rng.uniform(1, 15) * times + rng.uniform(0, 6))
        gain *= 1 + rng.uniform(0, 0.1) * beat
        gain *= 1 + rng.uniform(0, 0.04) * rng.standard_normal(num_frames)
    tint = rng.uniform(0.8, 1.2, 3) if rng.random() < 0.5 else np.ones(3)
    return clip * (gain[:, np.newaxis, np.newaxis, np.newaxis] * tint).astype(np.float32)


def _shimmer(rng: Rng, num_frames: int, height: int, width: int) -> np.ndarray:
    """Make flickering light: coarse noise that fades from one picture to the next."""
    cells, every = int(rng.integers(2, 10)), int(rng.integers(2, 12))
    knots = rng.standard_normal((num_frames // every + 2, cells, cells)).astype(np.float32)
    knots *= rng.uniform(1, 12)
    shimmer = np.empty((num_frames, height, width, 1), np.float32)
    for number in range(num_frames):
        before, share = divmod(number / every, 1)
        mixed = knots[int(before)] * (1 - share) + knots[int(before) + 1] * share
        shimmer[number, ..., 0] = cv2.resize(mixed, (width, height), interpolation=cv2.INTER_CUBIC)
    return shimmer


def _letterbox(rng: Rng, frames: np.ndarray) -> None:
    """Draw bars at two sides, or at one, as in a crop from the end of the picture."""
    along = frames if rng.random() < 0.6 else frames.transpose(0, 2, 1, 3)
    side = along.shape[1]
    gray = int(rng.choice((0, 0, 16, rng.integers(0, 255))))
    first = int(side * rng.uniform(0.03, 0.16))
    last = first
    if rng.random() < 0.3:
        first, last = int(side * rng.uniform(0.1, 0.4)), 0
        first, last = (first, last) if rng.random() < 0.5 else (last, first)
    along[:, :first] = gray
    along[:, side - last :] = gray


def _caption(rng: Rng, frames: np.ndarray) -> None:
    """Draw a line of text or a logo that stays in place."""
    side = min(frames.shape[1:3])
    x, y = (int(place) for place in rng.uniform(0, side * 0.8, 2))
    color = tuple(int(value) for value in rng.integers(0, 256, 3))
    letters = bytes(rng.integers(65, 91, 8).astype(np.uint8)).decode()
    is_text = rng.random() < 0.7
    for frame in frames:
        if is_text:
            cv2.putText(frame, letters, (x, y), cv2.FONT_HERSHEY_SIMPLEX, side / 250, color, 1)
        else:
            cv2.rectangle(frame, (x, y), (x + side // 6, y + side // 10), color, -1)


def jpeg(frames: np.ndarray, quality: int) -> np.ndarray:
    """Encode and decode every frame by itself, as Motion JPEG does."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return np.stack(
        [
            cv2.imdecode(cv2.imencode(".jpg", frame, options)[1], cv2.IMREAD_COLOR)
            for frame in frames
        ]
    )


def h264(frames: np.ndarray, crf: int) -> np.ndarray:
    """Encode and decode a clip as H.264, which copies nearly static parts between frames."""
    buffer, reformatter = io.BytesIO(), VideoReformatter()
    height, width = frames.shape[1:3]
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, width=width, height=height)
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf), "preset": "superfast"}
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as container:
        container.streams.video[0].codec_context.thread_count = 1
        decoded = (
            reformatter.reformat(frame, format="rgb24") for frame in container.decode(video=0)
        )
        return np.stack([frame.to_ndarray() for frame in decoded])
