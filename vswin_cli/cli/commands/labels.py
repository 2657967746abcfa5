"""`vswin labels`: print the classes of a model."""

import sys
from typing import Annotated

import typer

from vswin_cli.cli.options import CacheDirOption, ListFormatOption, QuietOption, complete_model
from vswin_cli.system.terminal import printable
from vswin_cli.zoo.labels import read_labels


def labels(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Model name or file.", autocompletion=complete_model),
    ],
    output_format: ListFormatOption = "table",
    cache_dir: CacheDirOption = None,
    quiet: QuietOption = False,
) -> None:
    """Print the index and name of every class of a model.

    The table has no header; a tab separates its columns.

    Examples:
        vswin labels swin-b-ssv2
        vswin labels swin-t-k400 --format csv > classes.csv
    """
    from vswin_cli.zoo.catalog import find_classifier

    names = read_labels(find_classifier(model, cache_dir).label_set)
    if output_format != "table":
        from vswin_cli.cli.tables import print_records

        records = [{"index": index, "label": label} for index, label in enumerate(names)]
        print_records(records, output_format, ["index", "label"])
        return
    for index, label in enumerate(names):
        print(f"{index}\t{printable(label) if sys.stdout.isatty() else label}")
