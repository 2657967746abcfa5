"""The options that commands share, each declared once; `option_groups` combines them."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from vswin_cli.api.options import (
    BackendName,
    BatchSize,
    PrecisionName,
    ReaderName,
)
from vswin_cli.formats.registry import FILE_FORMATS, RECORD_FORMATS, Format, format_named
from vswin_cli.zoo.protocols import Sampling

_LARGEST_BATCH = 1024

# Panels of --help, in order.
PANELS = OUTPUT, TRAINING, MODEL, VIEWS, VIDEOS, RUN, CLUSTER = (
    "Output", "Training", "Model", "Views", "Videos", "Run", "Cluster",
)  # fmt: skip


def complete_model(incomplete: str) -> list[tuple[str, str]]:
    """Complete model names for the shell, with their label sets."""
    from vswin_cli.zoo.catalog import MODELS, custom_models

    return [
        (model.name, f"{model.num_classes} classes of {model.label_set.name}")
        for model in (*MODELS, *custom_models().models)
        if model.name.startswith(incomplete)
    ]


def _complete_protocol(incomplete: str) -> list[str]:
    return [name for name in Sampling if name.startswith(incomplete)]


def _listen(is_verbose: bool) -> bool:
    if is_verbose:
        logging.getLogger("vswin_cli").setLevel(logging.INFO)
    return is_verbose


def option(panel: str, *names: str, **settings: Any) -> Any:  # noqa: ANN401 - as Typer's own
    """Declare an option that the help lists under a title."""
    return typer.Option(*names, rich_help_panel=panel, **settings)


def number_or_auto(text: str) -> float | None:
    """Read a number, or `auto` as None."""
    if text == "auto":
        return None
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number nor auto") from None


def format_option(**settings: Any) -> Any:  # noqa: ANN401
    """Declare the `--format` option."""
    return option(OUTPUT, "--format", **settings)


_MODEL_OPTION = option(
    MODEL, "--model", "-m", metavar="NAME", envvar="VSWIN_MODEL",
    help="Model name (see `vswin models`), a model file, or a folder from `vswin train`.",
    autocompletion=complete_model,
)  # fmt: skip
ModelOption = Annotated[str, _MODEL_OPTION]
WeightsOption = Annotated[
    Path | None,
    option(
        MODEL, "--weights", metavar="FILE",
        help="Weights file. Default: the model's, downloaded when missing.",
    ),
]  # fmt: skip
BackendOption = Annotated[
    BackendName,
    option(MODEL, "--backend", help="Inference backend. auto: the fastest one installed."),
]
PrecisionOption = Annotated[
    PrecisionName,
    option(MODEL, "--precision", help="Arithmetic type. bfloat16 is faster and less exact."),
]
ThreadsOption = Annotated[
    int | None,
    option(
        MODEL, "--threads", min=1, max=1024, metavar="N",
        help="CPU threads to use. Default: all that this process may use.",
    ),
]  # fmt: skip


def _batch_size(given: str | int) -> BatchSize:
    text = str(given)
    if text == "auto":
        return "auto"
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_BATCH:
        raise typer.BadParameter(
            f"{text!r} is neither auto nor a number from 1 to {_LARGEST_BATCH}"
        )
    return int(text)


BatchSizeOption = Annotated[
    Any,  # Typer does not support unions
    option(
        MODEL, "--batch-size", metavar="auto|N", parser=_batch_size,
        help="Largest number of views to compute at once. On a CPU, they share the threads.",
    ),
]  # fmt: skip
CacheDirOption = Annotated[
    Path | None,
    option(
        MODEL, "--cache-dir", metavar="DIR", envvar="VSWIN_CACHE",
        help="Folder for weights and exported models. Default: the platform's cache folder.",
    ),
]  # fmt: skip
MirrorOption = Annotated[
    str | None,
    option(
        MODEL, "--mirror", metavar="URL", envvar="VSWIN_MIRROR",
        help="Folder to download weights from, http(s): or file:. Default: the release page.",
    ),
]  # fmt: skip
OfflineOption = Annotated[
    bool,
    option(
        MODEL, "--offline", envvar="VSWIN_OFFLINE",
        help="Disable downloads; fail if weights are missing.",
    ),
]  # fmt: skip
NoHeadOption = Annotated[
    bool,
    option(
        MODEL,
        "--no-head",
        help="Use the smaller weights file, without the head that names classes.",
    ),
]
OptionalModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL", help="Model names.", autocompletion=complete_model),
]
PathsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Folders, files, addresses, @LIST (a file with one path per line), or - (a list on "
        "standard input).",
    ),
]
ProtocolOption = Annotated[
    str | None,
    option(
        VIEWS, "--protocol", metavar="NAME", autocompletion=_complete_protocol,
        help=f"How frames are sampled: {', '.join(Sampling)}. Default: the model's.",
    ),
]  # fmt: skip
ClipsOption = Annotated[
    int | None,
    option(
        VIEWS, "--clips", min=1, max=1000, metavar="C",
        help="Clips per video. Default: the model's.",
    ),
]  # fmt: skip
CropsOption = Annotated[
    Literal[1, 3] | None,
    option(VIEWS, "--crops", help="Crops per clip; 1 is the centre. Default: the model's."),
]

_OUTPUT_OPTION = option(
    OUTPUT, "--output", "-o", metavar="FILE",
    help="File to write, and to continue from; its extension sets the format. - is standard "
    "output.",
)  # fmt: skip
OutputOption = Annotated[Path, _OUTPUT_OPTION]
OptionalOutputOption = Annotated[Path | None, _OUTPUT_OPTION]
DryRunOption = Annotated[
    bool,
    option(
        RUN, "--dry-run", help="Show the work to do and an estimate of its time; change nothing."
    ),
]
ReaderOption = Annotated[
    ReaderName,
    option(
        VIEWS, "--reader", help="Video reader. auto: the first one that reads the file exactly."
    ),
]


def _record_format_option(formats: Sequence[Format], default: str) -> Any:  # noqa: ANN401
    names = ", ".join(each.name for each in formats)
    return format_option(
        parser=format_named, metavar="NAME",
        help=f"Output format. One of {names}. Default: {default}.",
    )  # fmt: skip


RecordFormatOption = Annotated[
    Format | None,
    _record_format_option(
        [each for each in RECORD_FORMATS if not each.is_folder],
        "from --output's extension, else table",
    ),
]
FileFormatOption = Annotated[
    Format | None, _record_format_option(FILE_FORMATS, "from --output's extension")
]
MinProbabilityOption = Annotated[
    float,
    option(
        OUTPUT, "--min-probability", min=0.0, max=1.0, metavar="P", show_default=False,
        help="Leave out labels less probable than P.",
    ),
]  # fmt: skip
ReportOption = Annotated[
    Path | None,
    option(
        OUTPUT, "--report", metavar="PATH",
        help="Also write a page: a .html file, or a folder for index.html and its data.",
    ),
]  # fmt: skip
StripsOption = Annotated[
    bool,
    option(OUTPUT, "--strips/--no-strips", help="Show video frames in the page."),
]
TopKOption = Annotated[
    int | None,
    option(
        OUTPUT, "--top-k", "-k", min=1, metavar="K",
        help="Labels per video. Default: 5, or all of a model with fewer classes.",
    ),
]  # fmt: skip
TimeoutOption = Annotated[
    float,
    option(
        RUN, "--timeout", min=0.001, metavar="SECONDS",
        help="Time limit for decoding one video.",
    ),
]  # fmt: skip
VerboseOption = Annotated[
    bool,
    option(
        RUN, "--verbose", "-v", callback=_listen, help="Explain automatic choices on stderr."
    ),
]  # fmt: skip
QuietOption = Annotated[
    bool, option(RUN, "--quiet", "-q", help="Print only results, failures and errors.")
]
VideosOption = Annotated[
    Path | None,
    option(
        VIDEOS,
        "--videos",
        metavar="DIR",
        help="Folder of the videos. Default: the folder of the annotations.",
    ),
]
AnnotationFormatOption = Annotated[
    Literal["auto", "list", "csv", "kinetics", "something-something", "folder"],
    option(VIDEOS, "--annotation-format", help="Format of the annotations."),
]
PathColumnOption = Annotated[
    str | None,
    option(
        VIDEOS,
        "--path-column",
        metavar="NAME",
        help="CSV column of paths. Default: one of the usual names.",
    ),
]
LabelColumnOption = Annotated[
    str | None,
    option(
        VIDEOS,
        "--label-column",
        metavar="NAME",
        help="CSV column of class names or indices. Default: one of the usual names.",
    ),
]
YesOption = Annotated[bool, option(RUN, "--yes", "-y", help="Do not ask for confirmation.")]
FeaturesArgument = Annotated[
    Path, typer.Argument(metavar="FEATURES", help="Features file of `vswin embed`.")
]
LabelsOption = Annotated[
    Path | None,
    option(
        OUTPUT, "--labels", metavar="FILE",
        help="Output of `vswin label`, to show each video's best label.",
    ),
]  # fmt: skip
ListFormatOption = Annotated[Literal["table", "json", "csv"], format_option(help="Output format.")]

TableOrJsonOption = Annotated[Literal["table", "json"], format_option(help="Output format.")]
