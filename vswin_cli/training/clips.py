"""The frames to train on: decoded once into a file of limited size, then read from there.

Otherwise, training would wait for decoding. The file contains several takes of each clip, each at a
different position, scaled slightly larger than the views; frames that takes share are stored once.
Clips that do not fit are decoded whenever they are needed.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vswin_cli.errors import OutputError
from vswin_cli.training.augmentation import draw_clip
from vswin_cli.training.examples import Example
from vswin_cli.video.reading import read_video
from vswin_cli.views.views import resize
from vswin_cli.zoo.protocols import ViewProtocol

_TAKES = (8, 4, 2, 1)  # most takes per clip, if they fit
_ROOM = 8 / 7  # short side of a frame, divided by that of a view
_MOST_ELONGATED = 2.0  # the ends of longer frames are cut off
_GUESSED_RATIO = 1.8  # of a frame with unknown size


@dataclass(frozen=True)
class _Slot:
    """Where a clip is in the file."""

    start: int  # bytes
    shape: tuple[int, ...]  # (frames, H, W, 3)
    takes: np.ndarray  # int (takes, clip_len), frames in the slot


class Clips:
    """Takes of training clips; call `prepare` before use, and `close` after it.

    Args:
        path: Path of the file.
        protocol: Protocol by which clips are drawn.
        reader: As for `read_video`.
        seed: Random seed for the positions.
        varies_pace: Whether a take may be faster or slower than the clip.
    """

    def __init__(
        self, path: Path, protocol: ViewProtocol, reader: str, seed: int, *, varies_pace: bool
    ) -> None:
        self._path = path
        self._protocol = protocol
        self._reader = reader
        self._seed = seed
        self._varies_pace = varies_pace
        self._slots: dict[int, _Slot] = {}
        self._bytes: np.ndarray | None = None

    def prepare(
        self,
        examples: Sequence[Example],
        num_frames: Sequence[int],
        max_bytes: int,
        num_threads: int,
        on_clip: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """Decode the clips that fit.

        Args:
            examples: Training clips; from now on, their indices identify them.
            num_frames: Number of frames in the file of each clip.
            max_bytes: Size limit of the file.
            num_threads: Clips to decode at the same time.
            on_clip: Called with the number of finished clips and of all clips.

        Raises:
            OutputError: The file cannot be written.
            VideoError: A clip can no longer be read.
        """
        num_takes = takes_within(num_frames, self._protocol, max_bytes)
        written = 0

        def take(number: int) -> tuple[np.ndarray, np.ndarray]:
            rng = np.random.default_rng((self._seed, 0, number))
            return self._decoded(examples[number], rng, num_takes)

        try:
            with (
                self._path.open("wb") as file,
                ThreadPoolExecutor(num_threads) as pool,
            ):
                for number, (frames, takes) in _each(
                    pool, num_threads + 1, take, range(len(examples))
                ):
                    if written + frames.nbytes <= max_bytes:
                        file.write(frames.tobytes())
                        self._slots[number] = _Slot(written, frames.shape, takes)
                        written += frames.nbytes
                    on_clip(number + 1, len(examples))
                    if written + frames.nbytes > max_bytes:
                        break
            if written:
                self._bytes = np.memmap(self._path, np.uint8, "r")
        except OSError as exc:
            raise OutputError(
                f"cannot keep decoded clips in {self._path}: {exc.strerror}; lower --cache-gb"
            ) from exc
        self._examples = examples

    def take(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Return a random take of a clip, uint8 (clip_len, H, W, 3).

        Raises:
            VideoError: The clip is not in the file, and cannot be read.
        """
        slot = self._slots.get(number)
        if slot is None or self._bytes is None:
            frames, takes = self._decoded(self._examples[number], rng, 1)
            return np.asarray(frames[takes[0]])
        chosen = slot.takes[rng.integers(len(slot.takes))]
        stop = slot.start + int(np.prod(slot.shape))
        return np.asarray(self._bytes[slot.start : stop].reshape(slot.shape)[chosen])

    def close(self) -> None:
        """Remove the file."""
        self._bytes = None
        self._path.unlink(missing_ok=True)

    def _decoded(
        self, example: Example, rng: np.random.Generator, num_takes: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read takes of a clip: the frames in any take, and the frame indices of each take."""
        rate: list[float | None] = [None]
        state = rng.bit_generator.state

        def draw(num_frames: int) -> np.ndarray:
            rng.bit_generator.state = state  # the same positions in every call
            return np.stack(
                [
                    draw_clip(
                        rng, num_frames, self._protocol, rate[0], varies_pace=self._varies_pace
                    )
                    for _ in range(num_takes)
                ]
            )

        reading = read_video(
            example.found.path,
            self._reader,
            lambda num_frames: draw(num_frames).ravel().tolist(),
            shrink=self._shrunk,
            threads=1,
            segment=example.found.segment,
            on_rate=lambda stated: rate.__setitem__(0, stated),
        )
        takes = reading.span.start + draw(len(reading.span))
        kept, positions = np.unique(takes, return_inverse=True)
        shapes = {reading.frames[index].shape for index in kept.tolist()}
        smallest = min(shape[0] for shape in shapes), min(shape[1] for shape in shapes)
        frames = np.stack(
            [_middle(reading.frames[index], *smallest) for index in kept.tolist()]
        )  # sizes can change within a video
        return frames, positions.reshape(takes.shape)

    def _shrunk(self, frame: np.ndarray) -> np.ndarray:
        frame = resize(frame, short_side(self._protocol))
        longest = int(_MOST_ELONGATED * short_side(self._protocol))
        return _middle(frame, min(frame.shape[0], longest), min(frame.shape[1], longest))


def short_side(protocol: ViewProtocol) -> int:
    """Short side of stored frames in pixels."""
    return round(protocol.crop_size * _ROOM)


def takes_within(num_frames: Sequence[int], protocol: ViewProtocol, max_bytes: int) -> int:
    """Number of takes per clip that fit, at least 1."""
    for num_takes in _TAKES:
        if cache_bytes(num_frames, protocol, num_takes) <= max_bytes:
            return num_takes
    return _TAKES[-1]


def cache_bytes(num_frames: Sequence[int], protocol: ViewProtocol, num_takes: int) -> int:
    """Estimate the size of a file with this number of takes per clip."""
    frame = short_side(protocol) ** 2 * _GUESSED_RATIO * 3
    return int(sum(min(n, num_takes * protocol.clip_len) for n in num_frames) * frame)


def _middle(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    return frame[top : top + height, left : left + width]


def _each(
    pool: ThreadPoolExecutor,
    num_ahead: int,
    work: Callable[[int], tuple[np.ndarray, np.ndarray]],
    numbers: range,
) -> Iterator[tuple[int, tuple[np.ndarray, np.ndarray]]]:
    """Yield results in order, with this number of tasks in the pool."""
    waiting = iter(numbers)
    flight = [(n, pool.submit(work, n)) for _, n in zip(range(num_ahead), waiting, strict=False)]
    while flight:
        number, future = flight.pop(0)
        if (following := next(waiting, None)) is not None:
            flight.append((following, pool.submit(work, following)))
        yield number, future.result()
