"""Options that several commands share, so that they are spelled and explained once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from vswin_cli.cli.view_choice import ViewChoice
from vswin_cli.zoo.models import MODELS, model_names
from vswin_cli.zoo.protocols import Sampling

BackendName = Literal["auto", "tensorflow", "jax", "torch", "openvino"]
PrecisionName = Literal["float32", "bfloat16"]
ReaderName = Literal["auto", "decord", "opencv"]

_OWN = "Default: the model's own."


def complete_model(incomplete: str) -> list[tuple[str, str]]:
    """Model names for the shell, with what they know."""
    from vswin_cli.zoo.catalog import custom_models

    return [
        (model.name, f"{model.num_classes} classes of {model.label_set.name}")
        for model in (*MODELS, *custom_models().models)
        if model.name.startswith(incomplete)
    ]


ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help=f"One of {', '.join(model_names())}; or a model file of `vswin convert`: its path, or "
        "its name where it is in the cache folder's models/.",
        autocompletion=complete_model,
    ),
]
ProtocolOption = Annotated[
    Sampling | None,
    typer.Option("--protocol", help=f"How frames are sampled. {_OWN}"),
]
ClipsOption = Annotated[
    int | None, typer.Option("--clips", min=1, max=1000, metavar="C", help=f"Clips a video. {_OWN}")
]
CropsOption = Annotated[
    Literal[1, 3] | None,
    typer.Option("--crops", help=f"Crops a clip; 1 is the centre crop. {_OWN}"),
]
ViewsOption = Annotated[
    ViewChoice | None,
    typer.Option(
        "--views",
        help="fast: one clip, one crop. full (the default): the protocol. adaptive: full, but no "
        "more views than settle the best label.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=1024,
        metavar="N",
        help="Processors to keep busy. Default: all that this process may use.",
    ),
]
BackendOption = Annotated[
    BackendName,
    typer.Option("--backend", help="What computes the model. auto: the fastest that is installed."),
]
PrecisionOption = Annotated[
    PrecisionName,
    typer.Option("--precision", help="Arithmetic of the model. bfloat16: faster, less exact."),
]
ReaderOption = Annotated[
    ReaderName,
    typer.Option("--reader", help="What decodes. auto: the first that reads the file exactly."),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say on stderr what was chosen, and why.")
]
CacheDirOption = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir",
        metavar="DIR",
        help="Folder of weights and exported models. Default: VSWIN_CACHE, else the platform's.",
    ),
]
MirrorOption = Annotated[
    str | None,
    typer.Option(
        "--mirror",
        metavar="URL",
        help="Folder to download from, http(s): or file:. Default: VSWIN_MIRROR, else the "
        "release page.",
    ),
]
OfflineOption = Annotated[
    bool,
    typer.Option(
        "--offline", envvar="VSWIN_OFFLINE", help="Download nothing; fail if weights are missing."
    ),
]
NoTopOption = Annotated[
    bool, typer.Option("--no-top", help="The file without top: the backbone alone.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
OptionalModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL", help="Model names.", autocompletion=complete_model),
]
