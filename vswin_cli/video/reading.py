"""Reading the sampled frames of a video: which reader, and how many passes."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Generic

import numpy as np

from vswin_cli.errors import VideoError
from vswin_cli.results import TimeSpan
from vswin_cli.sources.addresses import AddressError
from vswin_cli.sources.file_layout import ends_in_zeros, is_cut_off, why_no_video
from vswin_cli.sources.source import Location, Source, open_source
from vswin_cli.video.reader import Decoded, Kept, Reader, ReaderError, Video
from vswin_cli.video.timing import frames_between


def _av() -> Reader:
    from vswin_cli.video.av_reader import AvReader  # noqa: PLC0415

    return AvReader()


def _decord() -> Reader:
    from vswin_cli.video.decord_reader import DecordReader  # noqa: PLC0415 - rarely used

    return DecordReader()


READERS = {"av": _av, "decord": _decord}  # in the order in which auto tries them
_PASSES = 4  # one if the container's count is right, two if not, more if a break moves
USED_WHOLE = "used whole, as if already cut to its segment"  # ends a warning
_CUT_SECONDS = 1.0  # by which a segment that was cut out may be too long
_FINAL = (
    "not_a_video",
    "sound_only",
    "encrypted",
    "no_segment",
)  # error kinds that another reader cannot avoid

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading(Generic[Kept]):
    """The requested frames, each in the form in which it is kept."""

    num_frames: int  # frames of the whole video that decode
    frames: dict[int, Kept]  # all chosen frames by index
    num_announced: int  # expected number of frames by the container
    decoded: Decoded  # the pass that counted
    span: range  # the frames that were chosen from
    size: tuple[int, int]  # (H, W) of the first frame that was kept
    bounds: np.ndarray | None = None  # as for `Timing.bounds`
    warnings: tuple[str, ...] = ()  # messages about the video for the user, one line each
    reader: str = ""  # which of `READERS` was used


def read_video(
    location: Location | np.ndarray,
    reader: str,
    choose: Callable[[int], Collection[int]],
    shrink: Callable[[np.ndarray], Kept],
    *,
    threads: int | None = None,
    segment: TimeSpan | None = None,
    on_rate: Callable[[float | None], None] = lambda rate: None,
    on_kept: Callable[[int, Kept], None] = lambda index, kept: None,
) -> Reading[Kept]:
    """Read the chosen frames of a video; frame k is the k-th of a sequential decode.

    Args:
        location: As for `open_source`, or the RGB frames of a video, uint8 (T, H, W, 3).
        reader: `auto`, or one of `READERS`.
        choose: Returns frame indices in [0, num_frames) for a number of frames; called again if the
            container's count was wrong.
        shrink: Converts a frame, RGB uint8 (H, W, 3), to the form in which it is kept.
        threads: Decoding threads, at most; None is the number of processors.
        segment: Choose only from frames that are shown in it; indices count from its first frame.
        on_rate: Called with the container's frames per second before frames are chosen.
        on_kept: Called at once with the index and kept form of each frame; never called if the
            reader must not be slowed down. Only the end of reading confirms the frames.

    Raises:
        VideoError: No reader, or not the chosen one, can read the video exactly.
    """
    if isinstance(location, np.ndarray):
        return _read_array(location, choose, shrink, on_kept)
    names = [name for name in READERS if reader in ("auto", name)]
    failures: list[ReaderError] = []
    with open_source(location) as source:
        for name in names:
            try:
                candidate = READERS[name]()
                with candidate.open(source, threads) as video:
                    on_rate(video.timing.rate)
                    tell = on_kept if candidate.may_be_slowed else _tell_nobody
                    reading = _read_chosen(video, choose, shrink, segment, tell)
                    found = (*_damage(source, reading), *video.notes, *_cut(reading, segment))
            except ReaderError as exc:
                _logger.info("%s: not read by %s: %s", source.name, name, exc.reason)
                failures.append(exc)
                if exc.kind in _FINAL:
                    break
            except AddressError as exc:
                raise VideoError(f"cannot read {source.name}: {exc}", kind=exc.kind) from None
            except OSError as exc:
                raise VideoError(
                    f"cannot read {source.name}: {exc.strerror}; check its disk"
                ) from exc
            except MemoryError as exc:
                raise VideoError(
                    f"cannot read {source.name}: its frames do not fit into memory; sample fewer"
                ) from exc
            else:
                _logger.info("%s: read by %s, %d frame(s)", source.name, name, reading.num_frames)
                return replace(reading, warnings=found, reader=name)
        raise _error(source, failures, names) from failures[-1]


def _damage(source: Source, reading: Reading[Kept]) -> list[str]:
    """Make a line for each kind of damage to a video.

    A header that promises too many frames is not damage.
    """
    num_frames, num_announced = reading.num_frames, reading.num_announced
    lost, damaged = reading.decoded.num_lost, reading.decoded.num_damaged
    is_short = num_announced > num_frames
    if is_cut_off(source.file) or (is_short and ends_in_zeros(source.file)):
        of_all = f" of {num_announced}" if is_short else ""
        return [f"the file is cut off: {num_frames}{of_all} frames decoded"]
    parts = []
    if lost:
        parts.append(f"{lost} of {num_announced} packets cannot be decoded")
    if damaged:
        parts.append(f"{damaged} frame{' has' if damaged == 1 else 's have'} errors")
    return [f"the stream is damaged: {', '.join(parts)}"] if parts else []


def _cut(reading: Reading[Kept], segment: TimeSpan | None) -> list[str]:
    """Make a line for a video that does not contain all of its segment, or was used completely."""
    if segment is None or reading.bounds is None:
        return []
    start, end = segment
    first, last = float(reading.bounds[0]), float(reading.bounds[-1])
    if last <= start:
        return [f"it ends before {start:g} s: {USED_WHOLE}"]
    if first <= start + _CUT_SECONDS and end <= last + _CUT_SECONDS:
        return []
    used = f"{max(start, first):.1f} to {min(end, last):.1f} s"
    return [
        f"it is shown from {first:.1f} to {last:.1f} s, so {used} is used instead of {start:g} to "
        f"{end:g} s"
    ]


def _tell_nobody(index: int, kept: object) -> None:
    """Do nothing; the `on_kept` of readers that must not be slowed down."""


def demand_frames(frames: np.ndarray) -> None:
    """Check that an array contains the RGB frames of a video, uint8 (T, H, W, 3).

    Raises:
        VideoError: It does not contain them.
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
        what = f"cannot read an array of {frames.dtype} {frames.shape}: frames are RGB, uint8 "
        raise VideoError(f"{what}(T, H, W, 3), at least one; convert them", kind="not_a_video")


def _read_array(
    frames: np.ndarray,
    choose: Callable[[int], Collection[int]],
    shrink: Callable[[np.ndarray], Kept],
    on_kept: Callable[[int, Kept], None],
) -> Reading[Kept]:
    """Choose from an array of frames."""
    demand_frames(frames)
    kept = {}
    num_frames = len(frames)
    for index in sorted(set(choose(num_frames))):
        kept[index] = shrink(np.ascontiguousarray(frames[index]))
        on_kept(index, kept[index])
    size = (frames.shape[1], frames.shape[2])
    return Reading(num_frames, kept, num_frames, Decoded(num_frames), range(num_frames), size)


def _read_chosen(
    video: Video,
    choose: Callable[[int], Collection[int]],
    shrink: Callable[[np.ndarray], Kept],
    segment: TimeSpan | None,
    on_kept: Callable[[int, Kept], None],
) -> Reading[Kept]:
    """Decode with the container's count of frames; if it is wrong, decode again."""
    kept: dict[int, Kept] = {}
    sizes: dict[int, tuple[int, int]] = {}

    def keep(index: int, frame: np.ndarray) -> None:
        sizes[index] = (frame.shape[0], frame.shape[1])
        kept[index] = shrink(frame)
        on_kept(index, kept[index])

    num_frames = video.expected_num_frames
    num_announced = max(num_frames, video.announced_num_frames)
    counted: Decoded | None = None
    for _ in range(_PASSES):
        bounds = video.timing.bounds(num_frames)
        span = _span(num_frames, bounds, segment)
        chosen = {span.start + index for index in choose(len(span))} if num_frames else set()
        for index in kept.keys() - chosen:
            del kept[index]
        missing = chosen - kept.keys()
        until = None if counted is None else max(missing, default=-1) + 1
        decoded = video.read(missing, keep, until=until) if until != 0 else Decoded(0)
        if decoded.num_frames == (num_frames if until is None else until):
            counted = counted or decoded
            bounds = video.timing.bounds(num_frames)
            if _span(num_frames, bounds, segment) != span:  # by the times of the frames decoded
                continue
            size = sizes[min(kept)]
            return Reading(num_frames, kept, num_announced, counted, span, size, bounds)
        num_frames, counted = decoded.num_frames, decoded
    raise ReaderError("it ends at a different frame each time it is decoded")


def _span(num_frames: int, bounds: np.ndarray | None, segment: TimeSpan | None) -> range:
    """Find the frames to choose from.

    A video that ends before its segment begins, and is not longer than it, was cut out already.

    Raises:
        ReaderError: There is no frame in the segment, or frames have no times.
    """
    if segment is None or not num_frames:
        return range(num_frames)
    start, end = segment
    if bounds is None:
        what = f"its frames have no times, so {start:g} to {end:g} s cannot be found"
        raise ReaderError(what, kind="no_segment")
    if span := frames_between(bounds, segment):
        return span
    first, last = float(bounds[0]), float(bounds[-1])
    if end <= first:
        what = f"its first frame is shown at {first:.1f} s, after {start:g} to {end:g} s"
    elif last - first <= end - start + _CUT_SECONDS:
        return range(num_frames)
    else:
        what = f"it ends at {last:.1f} s, before {start:g} to {end:g} s of it begin"
    raise ReaderError(what, kind="no_segment")


def _error(source: Source, failures: list[ReaderError], tried: list[str]) -> VideoError:
    """Make one line for the user from the messages of all readers."""
    last = failures[-1]
    if last.kind in ("not_a_video", "sound_only"):
        advice, kind = "check that it is a complete video", last.kind
    elif last.kind == "encrypted":
        advice, kind = "decrypt it first", last.kind
    elif last.kind == "no_segment":
        advice, kind = "check the times, or cut the segment out", last.kind
    else:
        kinds = [failure.kind for failure in failures]
        kind = "no_frames" if "no_frames" in kinds else "unreadable"
        others = [name for name in READERS if name not in tried]
        advice = (
            f"try --reader {others[0]}" if others else "check that it is complete, or convert it"
        )
    reasons = "; ".join(dict.fromkeys(failure.reason for failure in failures))
    is_unclear = kind in ("not_a_video", "no_frames", "unreadable")
    if is_unclear and (reason := why_no_video(source.file)):
        reasons, advice = reason, "copy or download it again"
    return VideoError(f"cannot read {source.name}: {reasons}; {advice}", kind=kind)
