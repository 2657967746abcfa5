"""The options that commands share, each declared once; `option_groups` has whole groups of them."""

import logging
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from vswin_cli.api.options import (
    BackendName,
    PrecisionName,
    ReaderName,
)
from vswin_cli.formats.registry import RECORD_FORMATS, Format, format_named
from vswin_cli.zoo.protocols import Sampling

# Panels of --help, in this order.
PANELS = OUTPUT, MODEL, VIEWS, VIDEOS, RUN = "Output", "Model", "Views", "Videos", "Run"


def complete_model(incomplete: str) -> list[tuple[str, str]]:
    """Model names for the shell, with what they know."""
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
    """Declare an option that stands under a title of the help."""
    return typer.Option(*names, rich_help_panel=panel, **settings)


def format_option(**settings: Any) -> Any:  # noqa: ANN401
    """The one spelling of what form results have."""
    return option(OUTPUT, "--format", **settings)


_MODEL_OPTION = option(
    MODEL, "--model", "-m", metavar="NAME", envvar="VSWIN_MODEL",
    help="A name of `vswin models`, or a model file of `vswin convert`.",
    autocompletion=complete_model,
)  # fmt: skip
ModelOption = Annotated[str, _MODEL_OPTION]
WeightsOption = Annotated[
    Path | None,
    option(
        MODEL, "--weights", metavar="FILE",
        help="Weights file. Default: the model's, which is downloaded if it is not there.",
    ),
]  # fmt: skip
BackendOption = Annotated[
    BackendName,
    option(MODEL, "--backend", help="Inference backend. auto: the fastest that is installed."),
]
PrecisionOption = Annotated[
    PrecisionName,
    option(MODEL, "--precision", help="Arithmetic of the model. bfloat16: faster, less exact."),
]
ThreadsOption = Annotated[
    int | None,
    option(
        MODEL, "--threads", min=1, max=1024, metavar="N",
        help="CPU threads to use. Default: as many as this process may.",
    ),
]  # fmt: skip
CacheDirOption = Annotated[
    Path | None,
    option(
        MODEL, "--cache-dir", metavar="DIR", envvar="VSWIN_CACHE",
        help="Folder of weights and exported models. Default: the platform's.",
    ),
]  # fmt: skip
MirrorOption = Annotated[
    str | None,
    option(
        MODEL, "--mirror", metavar="URL", envvar="VSWIN_MIRROR",
        help="Folder to download from, http(s): or file:. Default: the release page.",
    ),
]  # fmt: skip
OfflineOption = Annotated[
    bool,
    option(
        MODEL, "--offline", envvar="VSWIN_OFFLINE",
        help="Download nothing; fail if weights are missing.",
    ),
]  # fmt: skip
NoTopOption = Annotated[
    bool, option(MODEL, "--no-top", help="The file without top: the backbone alone.")
]
OptionalModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL", help="Model names.", autocompletion=complete_model),
]
PathsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Folders, files, addresses, @LIST (a file with one per line), or - (a list on stdin).",
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
    option(VIEWS, "--crops", help="Crops per clip; 1 is the centre. Default: the model's, or 1."),
]
_OUTPUT_OPTION = option(
    OUTPUT, "--output", "-o", metavar="FILE",
    help="What a run writes, and continues from; its extension is its format. - is standard "
    "output.",
)  # fmt: skip
OutputOption = Annotated[Path, _OUTPUT_OPTION]
OptionalOutputOption = Annotated[Path | None, _OUTPUT_OPTION]
DryRunOption = Annotated[
    bool, option(RUN, "--dry-run", help="List what would be done, and how it would go.")
]
ReaderOption = Annotated[
    ReaderName,
    option(VIEWS, "--reader", help="What decodes. auto: the first that reads the file exactly."),
]
RecordFormatOption = Annotated[
    Format | None,
    format_option(
        parser=format_named,
        metavar="NAME",
        help=f"One of {', '.join(each.name for each in RECORD_FORMATS)}. Default: what the "
        "extension of --output says.",
    ),
]  # fmt: skip
MinProbabilityOption = Annotated[
    float,
    option(
        OUTPUT, "--min-probability", min=0.0, max=1.0, metavar="P", show_default=False,
        help="Leave out labels that are less probable. Default: none.",
    ),
]  # fmt: skip
ReportOption = Annotated[
    Path | None,
    option(
        OUTPUT, "--report", metavar="PATH",
        help="Write a page too: a file that ends in .html, or a folder with index.html and what "
        "else there is.",
    ),
]  # fmt: skip
TopKOption = Annotated[
    int | None,
    option(
        OUTPUT, "--top-k", "-k", min=1, metavar="K",
        help="Labels per video. Default: 5, or all where a model has fewer classes.",
    ),
]  # fmt: skip
TimeoutOption = Annotated[
    float,
    option(
        RUN, "--timeout", min=0.001, metavar="SECONDS",
        help="Time limit for decoding one video; then it has failed.",
    ),
]  # fmt: skip
VerboseOption = Annotated[
    bool,
    option(
        RUN, "--verbose", "-v", callback=_listen, help="Say on stderr what was chosen, and why."
    ),
]  # fmt: skip
QuietOption = Annotated[
    bool, option(RUN, "--quiet", "-q", help="Print results, failures and errors alone.")
]
YesOption = Annotated[bool, option(RUN, "--yes", "-y", help="Do not ask.")]
FeaturesArgument = Annotated[
    Path, typer.Argument(metavar="FEATURES", help="An output of `vswin embed`.")
]
LabelsOption = Annotated[
    Path | None,
    option(
        OUTPUT, "--labels", metavar="FILE",
        help="An output of `vswin label`: adds the best label.",
    ),
]  # fmt: skip
ListFormatOption = Annotated[
    Literal["table", "json", "csv"], format_option(help="Form of what is printed.")
]

TableOrJsonOption = Annotated[
    Literal["table", "json"], format_option(help="Form of what is printed.")
]
