"""Getting the frames that sampling asks for out of a file: which reader, how many passes."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic

import numpy as np

from vswin_cli.errors import VideoError
from vswin_cli.video.decord_reader import DecordReader
from vswin_cli.video.files import check, ends_in_zeros, is_cut_off, plain_name
from vswin_cli.video.opencv_reader import OpenCvReader
from vswin_cli.video.reader import Kept, Reader, ReaderError, Video

READERS: tuple[Reader, ...] = (OpenCvReader(), DecordReader())  # in the order that auto tries them
_PASSES = 4  # one if the container counts right, two if not, more if a break moves

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading(Generic[Kept]):
    """The frames that were asked for, each in the form in which it is kept."""

    num_frames: int  # that decode, in the whole video
    frames: dict[int, Kept]  # by index, all that were chosen
    num_announced: int  # frames that the container makes one expect
    broke: bool  # the stream goes on, but what follows does not decode
    warnings: tuple[str, ...] = ()  # what the user should know about the file, a line each


def read_video(
    path: str | Path,
    reader: str,
    choose: Callable[[int], Collection[int]],
    shrink: Callable[[np.ndarray], Kept],
    *,
    threads: int | None = None,
    on_kept: Callable[[int, Kept], None] = lambda index, kept: None,
) -> Reading[Kept]:
    """Read the chosen frames of a video, frame k being the k-th of a sequential decode.

    Args:
        path: The file.
        reader: `auto`, `decord` or `opencv`.
        choose: Gives frame indices in [0, num_frames) for a number of frames; called again if the
            container was wrong about it.
        shrink: Makes of a frame, RGB uint8 (H, W, 3), what is kept of it.
        threads: To decode with, at most; None is as many as there are processors.
        on_kept: Told of each frame's index and what was kept of it, at once; of none where the
            reader must not be slowed by what that may start. Whether the frame is part of the
            reading is not certain before the end.

    Raises:
        VideoError: No reader, or not the one named, can read the file exactly.
    """
    check(path)
    readers = [candidate for candidate in READERS if reader in ("auto", candidate.name)]
    waiting, doubted = list(readers), list[Reader]()
    failures: list[ReaderError] = []
    with plain_name(path) as name:
        while waiting or doubted:
            candidate = waiting.pop(0) if waiting else doubted.pop(0)
            try:
                with candidate.open(name, threads) as video:
                    if video.doubt and waiting:  # the others first
                        _logger.info("%s: not read by %s: %s", path, candidate.name, video.doubt)
                        doubted.append(candidate)
                        continue
                    tell = on_kept if candidate.may_be_slowed else _tell_nobody
                    reading = _read_chosen(video, choose, shrink, tell)
                    found = _warnings(path, reading, video.doubt)
            except ReaderError as exc:
                _logger.info("%s: not read by %s: %s", path, candidate.name, exc.reason)
                failures.append(exc)
                continue
            except OSError as exc:
                raise VideoError(f"cannot read {path}: {exc.strerror}; check its disk") from exc
            except MemoryError as exc:
                raise VideoError(
                    f"cannot read {path}: its frames do not fit into memory; sample fewer"
                ) from exc
            _logger.info("%s: read by %s, %d frame(s)", path, candidate.name, reading.num_frames)
            return replace(reading, warnings=tuple(found))
    raise _error(path, failures, readers) from failures[-1]


def _warnings(path: str | Path, reading: Reading[Kept], doubt: str | None) -> list[str]:
    """A line for each thing that is odd about a reading.

    A header that promises more frames than there are is not; a stream that breaks off is, and a
    file that is shorter than it says.
    """
    found = []
    num_frames, num_announced = reading.num_frames, reading.num_announced
    count = f"{num_frames} of {num_announced}" if num_announced > num_frames else num_frames
    file = Path(path)
    if is_cut_off(file) or (num_announced > num_frames and ends_in_zeros(file)):
        found.append(f"{path}: the file is cut off: {count} frames decoded")
    elif reading.broke:
        found.append(
            f"{path}: the stream breaks: {count} frames decoded; the rest is damaged, or hidden by "
            "an edit list"
        )
    if doubt:
        found.append(f"{path}: {doubt}")
    return found


def _tell_nobody(index: int, kept: object) -> None:
    """Be the `on_kept` of readers that must not be slowed."""


def _read_chosen(
    video: Video,
    choose: Callable[[int], Collection[int]],
    shrink: Callable[[np.ndarray], Kept],
    on_kept: Callable[[int, Kept], None],
) -> Reading[Kept]:
    """Decode on the assumption that the container counts right; if it does not, decode again."""
    kept: dict[int, Kept] = {}

    def keep(index: int, frame: np.ndarray) -> None:
        kept[index] = shrink(frame)
        on_kept(index, kept[index])

    num_frames = video.expected_num_frames
    num_announced = max(num_frames, video.announced_num_frames)
    is_counted = broke = False
    for _ in range(_PASSES):
        chosen = set(choose(num_frames)) if num_frames else set()
        for index in kept.keys() - chosen:
            del kept[index]
        missing = chosen - kept.keys()
        if is_counted and not missing:
            return Reading(num_frames, kept, num_announced, broke)
        until = max(missing) + 1 if is_counted else None
        decoded = video.read(missing, keep, until=until)
        broke = broke or decoded.broke
        if decoded.num_frames == (until or num_frames):
            return Reading(num_frames, kept, num_announced, broke)
        num_frames, is_counted = decoded.num_frames, True
    raise ReaderError("each decode of it ends elsewhere")


def _error(path: str | Path, failures: list[ReaderError], readers: list[Reader]) -> VideoError:
    """The one line for the user, of what each reader said."""
    kinds = [failure.kind for failure in failures]
    reasons = "; ".join(dict.fromkeys(failure.reason for failure in failures))
    if all(kind == "not_a_video" for kind in kinds):
        return VideoError(
            f"cannot read {path}: {failures[-1].reason}; check that it is a video, and complete",
            kind="not_a_video",
        )
    kind = "no_frames" if "no_frames" in kinds else "unreadable"
    if len(readers) == len(READERS):
        advice = "check that it is complete, or convert it"
    else:
        advice = " or ".join(f"try --reader {r.name}" for r in READERS if r not in readers)
    return VideoError(f"cannot read {path}: {reasons}; {advice}", kind=kind)
