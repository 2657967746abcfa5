"""Options that go together.

A command takes a whole group by a parameter of its class, such as `engine: EngineOptions`, which
`expanded`, in `cli/help.py`, turns into one option per field. That class alone says what they
default to.
"""

from typing import Annotated, Any, Literal

from vswin_cli.api.options import EngineOptions, ViewChoice, ViewOptions
from vswin_cli.cli.options import (
    OUTPUT,
    RUN,
    VIDEOS,
    VIEWS,
    BackendOption,
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
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.videos import Selection
from vswin_cli.timeline.options import FilmRunOptions, TimelineOptions

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
            help="Decoding processes. Default: half the processors, from 2 to 8.",
        ),
    ],
    "timeout": TimeoutOption,
    "max_failures": Annotated[
        int | None,
        option(
            RUN, "--max-failures", min=1, metavar="N",
            help="Stop after N failures; videos in flight are finished.",
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
                help="Take only matching files of folders, by name or path in the folder; * "
                "matches / too. Repeatable.",
            ),
        ],
        "exclude": Annotated[
            list[str],
            option(
                VIDEOS, "--exclude", metavar="GLOB", show_default=False,
                help="Leave out matching files and whole folders. Repeatable.",
            ),
        ],
        "folders_in_lists": Annotated[
            bool, option(VIDEOS, "--folders-in-lists", help="Search the folders that lists name.")
        ],
    },
    RunOptions: _RUN,
    FilmRunOptions: {name: _RUN[name] for name in ("resume", "retry_failed", "max_failures")},
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
                help="Length of a window under the uniform protocol; other protocols count frames.",
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
                help="Leave out segments less probable than P.",
            ),
        ],
        "min_seconds": Annotated[
            float,
            option(
                VIEWS, "--min-seconds", metavar="SECONDS",
                help="Drop segments and close gaps that are shorter.",
            ),
        ],
        "smooth": Annotated[
            float,
            option(
                VIEWS, "--smooth", metavar="SECONDS",
                help="Average probabilities over this time before segments are cut.",
            ),
        ],
        "multi": Annotated[
            bool, option(VIEWS, "--multi", help="Let segments of different labels overlap.")
        ],
    },
}  # fmt: skip
