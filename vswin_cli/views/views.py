"""From a video file to the views that a model sees: clips × crops, each distinct view once."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.lib.stride_tricks import as_strided

from vswin_cli.results import TimeSpan, VideoProperties
from vswin_cli.sources.source import Location
from vswin_cli.video.reader import ReaderError
from vswin_cli.video.reading import read_video
from vswin_cli.views.order import Place, by_information
from vswin_cli.views.sampling import clip_indices
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

_MAX_SIDE = 32_000  # pixels of a scaled frame: one of 224 rows has 21 MB

Offset = tuple[int, int]  # (y, x) of a crop's top left corner in the resized frame


@dataclass(frozen=True)
class View:
    """One clip × one crop."""

    parts: Sequence[np.ndarray] | np.ndarray  # RGB uint8 (H, W, 3) of each frame, not copied
    weight: int  # number of equal views in the protocol
    identity: Hashable  # equal only for views with the same crop of the same kept frames

    @property
    def frames(self) -> np.ndarray:
        """A copy of the frames, uint8 (T, H, W, 3)."""
        return np.stack(list(self.parts))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `frames`."""
        return len(self.parts), *self.parts[0].shape

    @property
    def whole(self) -> np.ndarray | None:
        """The same as `frames` without a copy, if they are consecutive in memory."""
        return self.parts if isinstance(self.parts, np.ndarray) else None

    def write(self, target: np.ndarray) -> None:
        """Copy the frames into an array."""
        for place, part in zip(target, self.parts, strict=True):  # faster than np.stack
            place[...] = part


@dataclass(frozen=True, eq=False)  # equal only to itself
class CroppedFrame:
    """The kept part of a frame."""

    pixels: np.ndarray  # uint8 (H, W, 3): the scaled frame, or its crops if they are smaller
    places: tuple[Offset, ...]  # (num_crops,): position of each crop in it, including equal ones
    crop_size: int

    def crop(self, number: int) -> np.ndarray:
        """Return crop `number` of the protocol, uint8 (S, S, 3)."""
        y, x = self.places[number]
        return self.pixels[y : y + self.crop_size, x : x + self.crop_size]


class Views:
    """The views of one video; iterating yields each distinct view, in the protocol's order.

    In another process, they contain the pixels of the distinct views, but not the frames.

    Args:
        num_frames: Frames that decode.
        clips: int64 (num_clips, clip_len), frame indices; several protocols follow each other.
        frames: The kept frames in `clips` by index; only some of them during reading.
        warnings: Anything unusual about the video, one line each.
        properties: Other properties of the video.
    """

    def __init__(
        self,
        num_frames: int,
        clips: np.ndarray,
        frames: dict[int, CroppedFrame],
        warnings: Sequence[str] = (),
        properties: VideoProperties | None = None,
    ) -> None:
        self.num_frames = num_frames
        self.clips = clips
        self.warnings = list(warnings)
        self.properties = properties or VideoProperties()
        self._frames = frames
        self._made: dict[Place, View] = {}  # in another process
        each_clip = [tuple(clip) for clip in clips.tolist()]
        # Crops are equal if they are equal in every frame: sizes can change within a video.
        each_crop = list(zip(*{frame.places for frame in frames.values()}, strict=True))
        self._clip_weights, self._crop_weights = _weights(each_clip), _weights(each_crop)
        self._clip_numbers, self._crop_numbers = _numbers(each_clip), _numbers(each_crop)

    @property
    def num_distinct_views(self) -> int:
        """Number of views to compute."""
        return len(self._clip_weights) * len(self._crop_weights)

    @property
    def order(self) -> np.ndarray:
        """Index of the distinct view of each view, clip by clip, int64 (num_clips × num_crops,)."""
        first_of_clip = np.array(self._clip_numbers)[:, np.newaxis] * len(self._crop_weights)
        order: np.ndarray = (first_of_clip + np.array(self._crop_numbers)).ravel()
        return order

    def __iter__(self) -> Iterator[View]:
        """Yield the distinct views, clip by clip; their weights add up to clips × crops."""
        return map(self.view, self.places)

    @property
    def places(self) -> list[Place]:
        """The places of the distinct views, in the protocol's order, which is ascending."""
        return [(clip, crop) for clip in self._clip_weights for crop in self._crop_weights]

    @property
    def places_by_information(self) -> list[Place]:
        """The same places, in the order in which views tell most about the video."""
        return by_information(list(self._clip_weights), list(self._crop_weights))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the distinct views, but not the frames."""
        made = {place: replace(self.view(place), identity=place) for place in self.places}
        return {**self.__dict__, "_frames": {}, "_made": made}

    def has(self, place: Place) -> bool:
        """Whether all frames of a view have been read."""
        indices = self.clips[place[0]].tolist()
        return place in self._made or all(index in self._frames for index in indices)

    def identity(self, place: Place) -> Hashable:
        """Return the future `identity` of a view, with None for each missing frame."""
        if self._made:
            return place
        clip, crop = place
        return crop, tuple(map(self._frames.get, self.clips[clip].tolist()))

    def view(self, place: Place) -> View:
        """Make a distinct view."""
        if self._made:
            return self._made[place]
        clip, crop = place
        parts = [self._frames[index].crop(crop) for index in self.clips[clip].tolist()]
        weight = self._clip_weights[clip] * self._crop_weights[crop]
        return View(parts, weight, self.identity(place))


def read_views(
    location: Location | np.ndarray,
    protocols: Sequence[ViewProtocol],
    reader: str,
    threads: int | None = None,
    *,
    segment: TimeSpan | None = None,
    on_count: Callable[[int, np.ndarray], None] = lambda num_frames, clips: None,
    on_frame: Callable[[int, CroppedFrame], None] = lambda index, frame: None,
) -> Views:
    """Read the views of several protocols, one protocol's clips after another's.

    The video is decoded once, views that protocols share are made once, and only the crops of the
    sampled frames are in memory.

    Args:
        location: As for `read_video`.
        protocols: Protocols with the same crops and clip length.
        reader: As for `read_video`.
        threads: Threads to decode and resize, at most; None is the number of processors.
        segment: As for `read_video`; all clips are in it.
        on_count: Called with the number of frames and the clips; again if the number was wrong.
        on_frame: The `on_kept` of `read_video`.

    Raises:
        VideoError: As for `read_video`.
    """
    if threads is not None:
        cv2.setNumThreads(threads)

    rate: float | None = None

    def on_rate(stated: float | None) -> None:
        nonlocal rate
        rate = stated

    def sample(num_frames: int) -> np.ndarray:
        return np.concatenate([clip_indices(num_frames, protocol, rate) for protocol in protocols])

    def choose(num_frames: int) -> list[int]:
        clips = sample(num_frames)
        on_count(num_frames, clips)
        chosen: list[int] = clips.ravel().tolist()
        return chosen

    reading = read_video(
        location,
        reader,
        choose,
        shrink=lambda frame: resize_and_crop(frame, protocols[0]),
        threads=threads,
        segment=segment,
        on_rate=on_rate,
        on_kept=on_frame,
    )
    clips = reading.span.start + sample(len(reading.span))
    properties = _properties(reading.size, reading.bounds, clips)
    return Views(reading.num_frames, clips, reading.frames, reading.warnings, properties)


def _properties(
    size: tuple[int, int], bounds: np.ndarray | None, clips: np.ndarray
) -> VideoProperties:
    height, width = size
    if bounds is None:
        return VideoProperties(width, height)
    seconds = float(bounds[-1] - bounds[0])
    starts, ends = bounds[clips.min(axis=1)].tolist(), bounds[clips.max(axis=1) + 1].tolist()
    clip_seconds = tuple(zip(starts, ends, strict=True))
    return VideoProperties(width, height, seconds, (len(bounds) - 1) / seconds, clip_seconds)


def resize_and_crop(frame: np.ndarray, protocol: ViewProtocol) -> CroppedFrame:
    """Scale a frame by a protocol, and keep the part that its crops need."""
    return crop(resize(frame, protocol.short_side, protocol.rounding), protocol)


def resize(frame: np.ndarray, short_side: int, rounding: float = 0.5) -> np.ndarray:
    """Scale a uint8 frame to a short side, by OpenCV's bilinear interpolation.

    Args:
        frame: A frame of any size.
        short_side: New short side in pixels.
        rounding: Added to the new long side before it is truncated to an integer.

    Raises:
        ReaderError: The long side would be too long.
    """
    height, width = frame.shape[:2]
    short = min(height, width)
    new_height, new_width = (int(side * short_side / short + rounding) for side in (height, width))
    if (new_height, new_width) == (height, width):
        return frame.copy()  # a decoder may reuse its memory
    if max(new_height, new_width) > _MAX_SIDE:
        raise ReaderError(f"its frames of {width}×{height} are too elongated to be scaled")
    line, pixel, channel = frame.strides
    is_reversed = channel < 0  # a reader's BGR or BGR0: scaled first, reordered when it is small
    if is_reversed:
        frame = as_strided(frame[..., ::-1], (height, width, pixel), (line, pixel, 1))
    resized: np.ndarray = cv2.resize(frame, (new_width, new_height))  # bilinear
    if is_reversed:
        resized = cv2.cvtColor(resized, cv2.COLOR_BGR2RGB if pixel == 3 else cv2.COLOR_BGRA2RGB)
    return resized


def crop(frame: np.ndarray, protocol: ViewProtocol) -> CroppedFrame:
    """Keep the part of a resized frame that a protocol's crops need."""
    size = protocol.crop_size
    offsets = crop_offsets(frame.shape[0], frame.shape[1], protocol)
    distinct = list(dict.fromkeys(offsets))
    if len(distinct) * size >= max(frame.shape[:2]):  # they overlap
        return CroppedFrame(frame, offsets, size)
    crops = [frame[y : y + size, x : x + size] for y, x in distinct]
    places = tuple((distinct.index(offset) * size, 0) for offset in offsets)
    return CroppedFrame(np.concatenate(crops), places, size)


def crop_offsets(height: int, width: int, protocol: ViewProtocol) -> tuple[Offset, ...]:
    """Find the positions of the crops along the long side of a frame, in the protocol's order.

    Source: mmaction 0.x ThreeCrop; the start, the end, the centre. One crop is the centre.
    torchvision's frames are larger than its crops, and it rounds halves to the even neighbour.
    """
    spare_y, spare_x = height - protocol.crop_size, width - protocol.crop_size
    if protocol.sampling is Sampling.TORCHVISION:
        middle_y, middle_x = round(spare_y / 2), round(spare_x / 2)
    else:
        middle_y, middle_x = spare_y // 2, spare_x // 2
    along_x = width > height
    step = middle_x if along_x else middle_y
    places = (0, 2 * step, step) if protocol.num_crops == 3 else (step,)
    return tuple((middle_y, place) if along_x else (place, middle_x) for place in places)


def _numbers(items: Sequence[Hashable]) -> list[int]:
    """Number the distinct items in the order of their first occurrence."""
    distinct = {item: number for number, item in enumerate(dict.fromkeys(items))}
    return [distinct[item] for item in items]


def _weights(items: Sequence[Hashable]) -> dict[int, int]:
    """Count how often each distinct item occurs, by the index of its first occurrence."""
    return {items.index(item): count for item, count in Counter(items).items()}
