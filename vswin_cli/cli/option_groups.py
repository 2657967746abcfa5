"""Groups of options.

A command gets a group of options as a parameter of its class, such as `engine: EngineOptions`;
`expanded` in `cli/help.py` makes an option of each field. Only the class defines the defaults.
"""

from typing import Annotated, Any, Literal

from vswin_cli.api.options import EngineOptions, ViewChoice, ViewOptions
from vswin_cli.cli.options import (
    OUTPUT,
    RUN,
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
    option,
)
from vswin_cli.cli.shard_options import SHARDS
from vswin_cli.cli.training_options import TRAINING_OPTIONS
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.videos import Selection
from vswin_cli.shards.options import ShardOptions
from vswin_cli.timeline.options import FilmRunOptions, TimelineOptions
from vswin_cli.training.options import TrainingOptions

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
            help="Decoding processes. Default: half the processors, from 2 to 8; with a GPU, "
            "all but one.",
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
                help="Include only files whose name or path inside the folder matches; * also "
                "matches /. Repeatable.",
            ),
        ],
        "exclude": Annotated[
            list[str],
            option(
                VIDEOS, "--exclude", metavar="GLOB", show_default=False,
                help="Exclude files and folders that match. Repeatable.",
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
    TrainingOptions: TRAINING_OPTIONS,
    ShardOptions: SHARDS,
}  # fmt: skip
