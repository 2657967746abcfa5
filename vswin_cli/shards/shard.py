"""The unit of a large run: some videos, with a name that depends on them and the settings."""

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
        name: Name of the file without extension; equal only for equal videos and settings.
        videos: In the order of the inputs.
    """

    name: str
    videos: tuple[Found, ...]


def shards_of(videos: Iterable[Found], size: int, settings: Settings) -> Iterator[Shard]:
    """Divide the inputs into shards while they are listed.

    The name of a video decides whether a shard ends with it; a full shard also ends. So a new video
    changes its shard, perhaps the next one, and no other.

    Args:
        videos: The videos in a stable order.
        size: Videos per shard, at most; on average there are three quarters of that.
        settings: Everything that records depend on, except the video.
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
