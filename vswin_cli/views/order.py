"""The order in which views show most of a video: only integers, no pixels."""

from collections.abc import Sequence

Place = tuple[int, int]  # (clip, crop) of a view


def by_information(clips: Sequence[int], crops: Sequence[int]) -> list[Place]:
    """Order all views so that the first ones show as much of the video as possible.

    The centre crops of all clips come first, then the side crops in turn. The middle clip comes
    first, then always the clip farthest from the previous ones.

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
