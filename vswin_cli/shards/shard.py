"""The unit of a large run: some videos, under a name that follows from them and the settings."""

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vswin_cli.runs.records import Settings
from vswin_cli.runs.videos import Found

DEFAULT_SHARD_SIZE = 512


@dataclass(frozen=True)
class Shard:
    """Videos whose records make one file.

    Attributes:
        name: Of the file, without its extension: equal for equal videos and settings alone.
        videos: In the order of the inputs.
    """

    name: str
    videos: tuple[Found, ...]


def shards_of(videos: Iterable[Found], size: int, settings: Settings) -> Iterator[Shard]:
    """Cut the inputs into shards while they are listed.

    A shard ends at a video whose name says so, or when it is full. So another video among the
    inputs changes the shard that it is in, and perhaps the next, and no other.

    Args:
        videos: In an order that stays.
        size: Videos per shard, at most; there are three quarters of that on average.
        settings: What records depend on apart from their video.
    """
    pending: list[Found] = []
    for video in videos:
        pending.append(video)
        is_end = zlib.crc32(os.fsencode(video.video)) % max(size // 2, 1) == 0
        if len(pending) == size or (is_end and len(pending) > size // 4):
            yield _shard(pending, settings)
            pending = []
    if pending:
        yield _shard(pending, settings)


def _shard(videos: list[Found], settings: Settings) -> Shard:
    content: list[Any] = [[v.video, v.place, v.num_bytes, v.modified_ns] for v in videos]
    described = json.dumps([settings, content], sort_keys=True).encode("ascii")
    return Shard(f"part-{hashlib.sha256(described).hexdigest()[:24]}", tuple(videos))
