"""Options that go together.

A command takes a whole group by a parameter of its class, such as `engine: EngineOptions`, which
`expanded`, in `cli/help.py`, turns into one option per field. That class alone says what they
default to.
"""

from typing import Annotated, Any

from vswin_cli.api.options import EngineOptions, ViewChoice, ViewOptions
from vswin_cli.cli.options import (
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
    RunOptions: {
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
    },
}  # fmt: skip
