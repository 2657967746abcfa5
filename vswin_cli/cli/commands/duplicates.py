"""`vswin duplicates`: find videos with nearly the same features."""

from typing import Annotated

from vswin_cli.cli.options import (
    OUTPUT,
    FeaturesArgument,
    LabelsOption,
    ListFormatOption,
    QuietOption,
    option,
)


def duplicates(
    features: FeaturesArgument,
    threshold: Annotated[
        float,
        option(
            OUTPUT,
            "--threshold",
            min=0.01,
            max=1.0,
            metavar="COSINE",
            help="Lowest cosine similarity of near-duplicates.",
        ),
    ] = 0.95,
    pairs: Annotated[bool, option(OUTPUT, "--pairs", help="List pairs instead of groups.")] = False,
    labels: LabelsOption = None,
    output_format: ListFormatOption = "table",
    quiet: QuietOption = False,
) -> None:
    """List groups of near-duplicate videos.

    Each video in a group has a cosine similarity of at least --threshold to another one. The
    column `similarity` compares it with the first video of the group or, with --pairs, of the pair.

    Examples:
        vswin duplicates features.npz
        vswin duplicates features.npz --threshold 0.99 --pairs
        vswin duplicates features.npz --labels labels.jsonl --format json
    """
    from vswin_cli.api.similarity import near_duplicates
    from vswin_cli.cli.progress import share_shown
    from vswin_cli.cli.tables import print_records, say_what_features_mean

    with share_shown("comparing", quiet=quiet) as on_share:
        records, columns = near_duplicates(
            features, threshold, labels, pairs=pairs, on_share=on_share
        )
    say_what_features_mean(features, quiet=quiet)
    print_records(records, output_format, columns)
