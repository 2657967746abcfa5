"""`vswin duplicates`: the videos whose features are nearly the same."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vswin_cli.cli.embed_options import (
    FeaturesArgument,
    LabelsOption,
    ListFormatOption,
    PairsOption,
    ThresholdOption,
)
from vswin_cli.errors import UsageError


def duplicates(
    features: FeaturesArgument,
    threshold: ThresholdOption = 0.95,
    pairs: PairsOption = False,
    labels: LabelsOption = None,
    output_format: ListFormatOption = "table",
) -> None:
    """List groups of near-duplicates: videos of which each is as similar to another of its group.

    `similarity` is the cosine with the group's first video; with --pairs, that of the pair.
    """
    from vswin_cli.cli.row_list import describe, print_records, read_best_labels
    from vswin_cli.features.duplicates import Group, find_groups, find_pairs
    from vswin_cli.features.files import open_features

    best_labels = read_best_labels(labels)
    file = open_features(features)
    if file.origin.per_view:
        raise UsageError(
            f"{features} has a row a view, and those of one video are alike; make a file without "
            "--per-view"
        )
    console = Console(stderr=True)
    with Progress(
        TextColumn("comparing"), BarColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=1.0)

        def on_share(share: float) -> None:
            progress.update(task, completed=share)

        if pairs:
            found = find_pairs(file.matrix(), threshold, on_share)
            groups = [Group((p.first, p.second), (p.similarity, p.similarity)) for p in found]
        else:
            groups = find_groups(file.matrix(), threshold, on_share)
    kind = "pair" if pairs else "group"
    described = iter(describe(file, [row for group in groups for row in group.rows], best_labels))
    records = [
        {kind: number, "similarity": similarity, **next(described)}
        for number, group in enumerate(groups, start=1)
        for similarity in group.similarities
    ]
    columns = [kind, "similarity", "row", "video"]
    columns += ["label"] if best_labels is not None else []
    print_records(records, output_format, columns)
