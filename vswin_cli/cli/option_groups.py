"""Groups of options.

A command gets a group of options as a parameter of its class, such as `engine: EngineOptions`;
`expanded` in `cli/help.py` makes an option of each field. Only the class defines the defaults.
"""

from typing import Annotated, Any, Literal

import typer

from vswin_cli.api.options import EngineOptions, ViewChoice, ViewOptions
from vswin_cli.cli.options import (
    OUTPUT,
    RUN,
    TRAINING,
    VIDEOS,
    VIEWS,
    BackendOption,
    BatchSizeOption,
    CacheDirOption,
    ClipsOption,
    CropsOption,
    MirrorOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    ProtocolOption,
    ReaderOption,
    ThreadsOption,
    TimeoutOption,
    WeightsOption,
    number_or_auto,
    option,
)
from vswin_cli.cli.shard_options import SHARDS
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.videos import Selection
from vswin_cli.shards.options import ShardOptions
from vswin_cli.timeline.options import FilmRunOptions, TimelineOptions
from vswin_cli.training.options import AugmentName, HowName, TrainingOptions


def _whole_or_auto(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is neither auto nor a whole number")
    return int(text)


_RUN: dict[str, Any] = {
    "resume": Annotated[
        bool,
        option(
            RUN, "--resume/--no-resume",
            help="Continue an earlier run, or start over.",
        ),
    ],
    "retry_failed": Annotated[
        bool, option(RUN, "--retry-failed", help="Retry videos that failed in an earlier run.")
    ],
    "workers": Annotated[
        int | None,
        option(
            RUN, "--workers", min=1, metavar="N",
            help="Decoding processes. Default: half the processors, from 2 to 8; with a GPU all "
            "but one.",
        ),
    ],
    "timeout": TimeoutOption,
    "max_failures": Annotated[
        int | None,
        option(
            RUN, "--max-failures", min=1, metavar="N",
            help="Stop after N failures; finish the videos in progress first.",
        ),
    ],
}  # fmt: skip

GROUPS: dict[type, dict[str, Any]] = {
    EngineOptions: {
        "model": ModelOption,
        "weights": WeightsOption,
        "backend": BackendOption,
        "precision": PrecisionOption,
        "threads": ThreadsOption,
        "batch_size": BatchSizeOption,
        "cache_dir": CacheDirOption,
        "mirror": MirrorOption,
        "offline": OfflineOption,
    },
    ViewOptions: {
        "views": Annotated[
            ViewChoice | None,
            option(
                VIEWS, "--views",
                help="fast: one clip, one crop. full: all views of the protocol. adaptive: views "
                "until the best label is settled. Default: full.",
            ),
        ],
        "protocol": ProtocolOption,
        "clips": ClipsOption,
        "crops": CropsOption,
        "reader": ReaderOption,
    },
    Selection: {
        "recursive": Annotated[
            bool, option(VIDEOS, "--recursive/--no-recursive", help="Search subfolders.")
        ],
        "include": Annotated[
            list[str],
            option(
                VIDEOS, "--include", metavar="GLOB", show_default=False,
                help="Only take files that match, by name or by path inside the folder; * also "
                "matches /. Repeatable.",
            ),
        ],
        "exclude": Annotated[
            list[str],
            option(
                VIDEOS, "--exclude", metavar="GLOB", show_default=False,
                help="Leave out files and folders that match. Repeatable.",
            ),
        ],
        "folders_in_lists": Annotated[
            bool, option(VIDEOS, "--folders-in-lists", help="Search folders named in lists.")
        ],
    },
    RunOptions: _RUN,
    FilmRunOptions: {
        **{name: _RUN[name] for name in ("resume", "retry_failed", "max_failures")},
        "timeout": Annotated[
            float,
            option(
                RUN, "--timeout", min=0.001, metavar="SECONDS",
                help="Time limit for the decoder to yield a frame.",
            ),
        ],
    },
    TimelineOptions: {
        "stride": Annotated[
            float,
            option(
                VIEWS, "--stride", metavar="SECONDS",
                help="Time between windows; also the length of a step.",
            ),
        ],
        "window": Annotated[
            float,
            option(
                VIEWS, "--window", metavar="SECONDS",
                help="Length of a window, for the uniform protocol only.",
            ),
        ],
        "shots": Annotated[
            bool,
            option(VIEWS, "--shots/--no-shots", help="Find hard cuts; windows do not cross them."),
        ],
        "crops": Annotated[
            Literal[1, 3] | None,
            option(VIEWS, "--crops", help="Crops per window; 1 is the centre. Default: 1."),
        ],
        "protocol": ProtocolOption,
        "min_probability": Annotated[
            float,
            option(
                OUTPUT, "--min-probability", min=0.0, max=1.0, metavar="P",
                help="Probability at which a segment starts; it ends below 0.7 P.",
            ),
        ],
        "min_seconds": Annotated[
            float,
            option(
                VIEWS, "--min-seconds", metavar="SECONDS",
                help="Drop shorter segments and close shorter gaps.",
            ),
        ],
        "smooth": Annotated[
            float,
            option(
                VIEWS, "--smooth", metavar="SECONDS",
                help="Average probabilities over this time before finding segments.",
            ),
        ],
        "multi": Annotated[
            bool, option(VIEWS, "--multi", help="Let segments of different labels overlap.")
        ],
    },
    TrainingOptions: {
        "how": Annotated[
            HowName,
            option(
                TRAINING, "--how",
                help="head: fit a head to features. full: train all weights. auto: head for a "
                "large model on a CPU.",
            ),
        ],
        "epochs": Annotated[
            int | None,
            option(
                TRAINING, "--epochs", min=1, metavar="N",
                help="Number of epochs. Default: 30, or 20 for swin-n-motion.",
            ),
        ],
        "batch_size": Annotated[
            int | None,
            option(
                TRAINING, "--batch-size", metavar="N", parser=_whole_or_auto, show_default=False,
                help="Clips per step. auto: as many as fit into half of the memory, at most 8, "
                "or 16 on a GPU. "
                "Default: auto.",
            ),
        ],
        "lr": Annotated[
            float | None,
            option(
                TRAINING, "--lr", metavar="RATE", parser=number_or_auto, show_default=False,
                help="Peak learning rate. auto: the architecture's, scaled to the batch size. "
                "Default: auto.",
            ),
        ],
        "backbone_lr": Annotated[
            float | None,
            option(
                TRAINING, "--backbone-lr", min=0.0, metavar="SHARE",
                help="Learning rate of the backbone, as a share of --lr. Default: the "
                "architecture's, 0.1 for published models.",
            ),
        ],
        "weight_decay": Annotated[
            float | None,
            option(
                TRAINING, "--weight-decay", min=0.0, metavar="X",
                help="Weight decay of AdamW, except for biases, norms and position tables. "
                "Default: the architecture's.",
            ),
        ],
        "drop_path": Annotated[
            float | None,
            option(
                TRAINING, "--drop-path", min=0.0, metavar="P",
                help="Drop path rate of the last block; it rises from 0 at the first. Default: the "
                "architecture's.",
            ),
        ],
        "seed": Annotated[
            int, option(TRAINING, "--seed", min=0, metavar="N", help="Random seed.")
        ],
        "augment": Annotated[
            AugmentName,
            option(
                TRAINING, "--augment",
                help="default: crop, flip and recolour. directional: no flip. auto: directional "
                "if the name of a class contains a direction, such as left or clockwise. none: "
                "only the centre crop.",
            ),
        ],
        "multi_label": Annotated[
            bool,
            option(
                TRAINING, "--multi-label",
                help="Allow several labels per video, separated by | or in several rows.",
            ),
        ],
        "label_smoothing": Annotated[
            float,
            option(
                TRAINING, "--label-smoothing", min=0.0, metavar="X",
                help="Label smoothing: share of each target that is spread over all classes.",
            ),
        ],
        "mixup": Annotated[
            float,
            option(
                TRAINING, "--mixup", min=0.0, metavar="ALPHA",
                help="Mixup: parameter of the beta distribution for mixing pairs of clips. 0 "
                "disables it.",
            ),
        ],
        "patience": Annotated[
            int,
            option(
                TRAINING, "--patience", min=1, metavar="N",
                help="Stop after N validations without an improvement.",
            ),
        ],
        "cache_gb": Annotated[
            float,
            option(
                TRAINING, "--cache-gb", min=0.0, metavar="GB",
                help="Disk space for decoded clips during training.",
            ),
        ],
        "save_every": Annotated[
            int,
            option(
                TRAINING, "--save-every", min=1, metavar="STEPS",
                help="Steps between saved states; one is also saved after each epoch.",
            ),
        ],
        "from_scratch": Annotated[
            bool, option(TRAINING, "--from-scratch", help="Start from random weights.")
        ],
    },
    ShardOptions: SHARDS,
}  # fmt: skip
