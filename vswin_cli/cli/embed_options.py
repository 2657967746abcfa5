"""The options that the commands about features have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

FeaturesOutputOption = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Its extension is its format: .npz, or .parquet (extra `parquet`).",
    ),
]
DtypeOption = Annotated[
    Literal["float32", "float16"], typer.Option("--dtype", help="Of the numbers in the file.")
]
PerViewOption = Annotated[
    bool, typer.Option("--per-view", help="A row for each view, not for the mean of a video's.")
]
EmbeddingsOption = Annotated[
    Path | None,
    typer.Option(
        "--embeddings",
        metavar="FILE",
        help="Write the features too, as `vswin embed` does: .npz or .parquet.",
    ),
]
FeaturesArgument = Annotated[
    Path, typer.Argument(metavar="FEATURES", help="An output of `vswin embed`.")
]
QueryOption = Annotated[
    str,
    typer.Option(
        "--query",
        "-q",
        metavar="VIDEO",
        help="A row (from 0), a video by its name in the file, or a video file.",
    ),
]
TopOption = Annotated[
    int, typer.Option("--top", "-n", min=1, metavar="N", help="How many neighbours.")
]
ThresholdOption = Annotated[
    float,
    typer.Option(
        "--threshold", min=0.01, max=1.0, metavar="COSINE", help="What counts as a near-duplicate."
    ),
]
PairsOption = Annotated[bool, typer.Option("--pairs", help="List pairs, not groups.")]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels", metavar="FILE", help="A .jsonl output of `vswin label`: adds the best label."
    ),
]
ListFormatOption = Annotated[
    Literal["table", "json", "csv"], typer.Option("--format", help="Form of the results.")
]
