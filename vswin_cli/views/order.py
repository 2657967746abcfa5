"""In which order views say the most about a video: integers only, no pixels."""

from collections.abc import Sequence

Place = tuple[int, int]  # (clip, crop) of a view


def by_information(clips: Sequence[int], crops: Sequence[int]) -> list[Place]:
    """Order all views so that those computed first see as much of the video as they can.

    The centre crop of every clip comes first, then the sides, which take turns; of the clips, the
    middle one, and then always the one farthest from those before it.

    Args:
        clips: Clips that differ, ascending.
        crops: Crops that differ; the last is the centre.
    """
    spread = _spread(len(clips))
    rounds = (crops[-1:], *(_turned(crops[:-1], first) for first in range(len(crops) - 1)))
    return [
        (clips[clip], sides[turn % len(sides)])
        for sides in rounds
        for turn, clip in enumerate(spread)
    ]


def _turned(crops: Sequence[int], first: int) -> list[int]:
    return [*crops[first:], *crops[:first]]


def _spread(num_clips: int) -> list[int]:
    left = list(range(num_clips))
    chosen = [left.pop(num_clips // 2)]
    while left:
        farthest = max(left, key=lambda clip: min(abs(clip - other) for other in chosen))
        left.remove(farthest)
        chosen.append(farthest)
    return chosen
