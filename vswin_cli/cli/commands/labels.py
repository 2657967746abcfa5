"""`vswin labels`: the classes of a model."""

import sys
from typing import Annotated

import typer

from vswin_cli.cli.options import CacheDirOption, complete_model
from vswin_cli.system.terminal import printable
from vswin_cli.zoo.labels import read_labels


def labels(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Model name or file.", autocompletion=complete_model),
    ],
    cache_dir: CacheDirOption = None,
) -> None:
    """Print the index and name of every class of a model, tab between them."""
    from vswin_cli.zoo.catalog import find_classifier

    for index, label in enumerate(read_labels(find_classifier(model, cache_dir).label_set)):
        print(f"{index}\t{printable(label) if sys.stdout.isatty() else label}")
