"""The options of `vswin timeline` that belong to groups; what it shares is in `options`."""

from typing import Annotated, Literal

from vswin_cli.cli.option_groups import GROUPS
from vswin_cli.cli.options import (
    OUTPUT,
    VIEWS,
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
}  # fmt: skip
