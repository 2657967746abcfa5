"""`vswin duplicates`: the videos whose features are nearly the same."""

from typing import Annotated

import typer

from vswin_cli.cli.options import FeaturesArgument, LabelsOption, ListFormatOption


def duplicates(
    features: FeaturesArgument,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold",
            min=0.01,
            max=1.0,
            metavar="COSINE",
            help="What counts as a near-duplicate.",
        ),
    ] = 0.95,
    pairs: Annotated[bool, typer.Option("--pairs", help="List pairs, not groups.")] = False,
    labels: LabelsOption = None,
    output_format: ListFormatOption = "table",
) -> None:
    """List groups of near-duplicates: videos of which each is as similar to another of its group.

    `similarity` is the cosine with the group's first video; with --pairs, that of the pair.
    """
    from vswin_cli.api.similarity import near_duplicates
    from vswin_cli.cli.progress import share_shown
    from vswin_cli.cli.tables import print_records

    with share_shown("comparing") as on_share:
        records, columns = near_duplicates(
            features, threshold, labels, pairs=pairs, on_share=on_share
        )
    print_records(records, output_format, columns)
