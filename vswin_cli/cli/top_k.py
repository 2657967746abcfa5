"""How many labels a video gets."""

from typing import Annotated

import typer

from vswin_cli.errors import UsageError
from vswin_cli.zoo.models import Model

_USUAL = 5

TopKOption = Annotated[
    int | None,
    typer.Option(
        "--top-k",
        "-k",
        min=1,
        metavar="K",
        help=f"Labels a video. Default: {_USUAL}, or all where a model has fewer classes.",
    ),
]


def chosen_top_k(asked: int | None, model: Model) -> int:
    """Return how many labels a video gets.

    Raises:
        UsageError: The user asks for more than the model has.
    """
    if asked is None:
        return min(_USUAL, model.num_classes)
    if asked > model.num_classes:
        raise UsageError(
            f"--top-k {asked} is more than the {model.num_classes} classes of {model.name}"
        )
    return asked
