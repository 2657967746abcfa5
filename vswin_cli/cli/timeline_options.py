"""The options of `vswin timeline` that belong to groups; what it shares is in `options`."""

from typing import Annotated

from vswin_cli.cli.option_groups import GROUPS
from vswin_cli.cli.options import (
    OUTPUT,
    VIEWS,
    CropsOption,
    ProtocolOption,
    option,
)
from vswin_cli.runs.options import RunOptions
from vswin_cli.timeline.options import FilmRunOptions, TimelineOptions

GROUPS[FilmRunOptions] = {
    name: GROUPS[RunOptions][name] for name in ("resume", "retry_failed", "max_failures")
}
GROUPS[TimelineOptions] = {
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
}  # fmt: skip
