"""`--views`: names for the common choices of clips and crops."""

from enum import StrEnum

from vswin_cli.errors import UsageError
from vswin_cli.zoo.protocols import Sampling, ViewProtocol


class ViewChoice(StrEnum):
    """How many views of a video are computed."""

    FAST = "fast"
    FULL = "full"
    ADAPTIVE = "adaptive"


def chosen_protocol(
    own: ViewProtocol,
    views: ViewChoice | None,
    sampling: Sampling | None,
    num_clips: int | None,
    num_crops: int | None,
) -> ViewProtocol:
    """Put what the user chose into a model's own protocol; None was left out.

    Raises:
        UsageError: The choices contradict each other.
    """
    if views is ViewChoice.FAST:
        _demand(views, "one clip and one crop", 1, 1, num_clips, num_crops)
        return own.adapted(sampling, 1, 1)
    if views is ViewChoice.FULL:
        full = own.adapted(sampling)
        clips = "1 clip" if full.num_clips == 1 else f"{full.num_clips} clips"
        what = f"{clips} and {full.num_crops} crops"
        _demand(views, what, full.num_clips, full.num_crops, num_clips, num_crops)
    return own.adapted(sampling, num_clips, num_crops)


def _demand(
    views: ViewChoice,
    what: str,
    clips: int,
    crops: int,
    num_clips: int | None,
    num_crops: int | None,
) -> None:
    for option, due, given in (("--clips", clips, num_clips), ("--crops", crops, num_crops)):
        if given not in (None, due):
            raise UsageError(
                f"--views {views} means {what}, not {option} {given}; leave one of the two out"
            )
