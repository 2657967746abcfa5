"""Options that go together.

A command takes a whole group by a parameter of its class, such as `engine: EngineOptions`, which
`expanded`, in `cli/help.py`, turns into one option per field. That class alone says what they
default to.
"""

from typing import Annotated, Any

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
            help="Continue what an earlier run has done; or start over.",
        ),
    ],
    "retry_failed": Annotated[
        bool, option(RUN, "--retry-failed", help="Try again what failed in an earlier run.")
    ],
    "workers": Annotated[
        int | None,
        option(
            RUN, "--workers", min=1, metavar="N",
            help="Processes that decode. Default: half the processors, from 2 to 8.",
        ),
    ],
    "timeout": TimeoutOption,
    "max_failures": Annotated[
        int | None,
        option(
            RUN, "--max-failures", min=1, metavar="N",
            help="Stop after so many failures, and what is then in flight.",
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
                help="fast: one clip, one crop. full: the protocol. adaptive: no more of its views "
                "than settle the best label. Default: full.",
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
                help="Take from folders only what matches, by name or path in the folder; * "
                "matches / too. Repeatable.",
            ),
        ],
        "exclude": Annotated[
            list[str],
            option(
                VIDEOS, "--exclude", metavar="GLOB", show_default=False,
                help="Leave out what matches, files or whole folders. Repeatable.",
            ),
        ],
        "folders_in_lists": Annotated[
            bool, option(VIDEOS, "--folders-in-lists", help="Walk the folders that lists name.")
        ],
    },
    RunOptions: _RUN,
    FilmRunOptions: {name: _RUN[name] for name in ("resume", "retry_failed", "max_failures")},
    TimelineOptions: {
        "stride": Annotated[
            float,
            option(
                VIEWS, "--stride", metavar="SECONDS",
                help="From window to window of the film; also the length of a step.",
            ),
        ],
        "window": Annotated[
            float,
            option(
                VIEWS, "--window", metavar="SECONDS",
                help="What a window spans under the uniform protocol; others say it in frames.",
            ),
        ],
        "shots": Annotated[
            bool,
            option(VIEWS, "--shots/--no-shots", help="Find hard cuts; let no window cross one."),
        ],
        "crops": CropsOption,
        "protocol": ProtocolOption,
        "min_probability": Annotated[
            float,
            option(
                OUTPUT, "--min-probability", min=0.0, max=1.0, metavar="P",
                help="Leave out segments that are less probable.",
            ),
        ],
        "min_seconds": Annotated[
            float,
            option(
                VIEWS, "--min-seconds", metavar="SECONDS",
                help="Drop shorter segments, and bridge shorter gaps.",
            ),
        ],
        "smooth": Annotated[
            float,
            option(
                VIEWS, "--smooth", metavar="SECONDS",
                help="Average probabilities over so long before they are cut into segments.",
            ),
        ],
        "multi": Annotated[
            bool, option(VIEWS, "--multi", help="Let segments of different labels overlap.")
        ],
    },
}  # fmt: skip
