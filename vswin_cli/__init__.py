"""Label videos with Video Swin Transformers, from the command line and from Python.

    import vswin_cli as vswin

    model = vswin.load_model("swin-t-k400")
    model.predict("clip.mp4").scored_labels[0].label

Importing this package is instant and changes nothing in the process; each name is imported when it
is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vswin_cli.api.converting import convert_checkpoint
    from vswin_cli.api.diagnosis import diagnose
    from vswin_cli.api.exporting import export_model
    from vswin_cli.api.keras_model import keras_model
    from vswin_cli.api.loaded import LoadedModel
    from vswin_cli.api.loading import load_model
    from vswin_cli.api.report import Report, make_report
    from vswin_cli.api.train import train
    from vswin_cli.api.training_report import Trained
    from vswin_cli.errors import (
        BackendError,
        OutputError,
        UsageError,
        VideoError,
        VswinError,
        WeightsError,
    )
    from vswin_cli.export.exporting import Exported
    from vswin_cli.results import Failure, Prediction, ScoredLabel
    from vswin_cli.runs.run import Outcome
    from vswin_cli.timeline.result import Segment, Timeline

__version__ = "0.2.0"

_HOMES = {
    "load_model": "api.loading",
    "LoadedModel": "api.loaded",
    "keras_model": "api.keras_model",
    "convert_checkpoint": "api.converting",
    "export_model": "api.exporting",
    "train": "api.train",
    "make_report": "api.report",
    "diagnose": "api.diagnosis",
    "Report": "api.report",
    "Prediction": "results",
    "ScoredLabel": "results",
    "Failure": "results",
    "Outcome": "runs.run",
    "Exported": "export.exporting",
    "Trained": "api.training_report",
    "Timeline": "timeline.result",
    "Segment": "timeline.result",
    "VswinError": "errors",
    "UsageError": "errors",
    "VideoError": "errors",
    "WeightsError": "errors",
    "BackendError": "errors",
    "OutputError": "errors",
}
__all__ = [  # noqa: RUF022 - as _HOMES has them
    "load_model",
    "LoadedModel",
    "keras_model",
    "convert_checkpoint",
    "export_model",
    "train",
    "make_report",
    "diagnose",
    "Report",
    "Prediction",
    "ScoredLabel",
    "Failure",
    "Outcome",
    "Exported",
    "Trained",
    "Timeline",
    "Segment",
    "VswinError",
    "UsageError",
    "VideoError",
    "WeightsError",
    "BackendError",
    "OutputError",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
