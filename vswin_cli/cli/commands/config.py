"""`vswin config`: show option defaults from files and environment variables."""

import json
import os
from typing import Any

import typer

from vswin_cli.cli.messages import print_error
from vswin_cli.cli.options import ListFormatOption, QuietOption
from vswin_cli.errors import UsageError
from vswin_cli.sources.addresses import told_without_credentials

_VARIABLES = (
    "VSWIN_MODEL",
    "VSWIN_CACHE",
    "VSWIN_CACHE_LIMIT_GB",
    "VSWIN_MIRROR",
    "VSWIN_OFFLINE",
    "VSWIN_SHA256SUMS",
)


def config(
    context: typer.Context,
    output_format: ListFormatOption = "table",
    quiet: QuietOption = False,
) -> None:
    """Show option defaults and where they are set.

    Defaults come from vswin.toml in the current folder, then from vswin.toml in your configuration
    folder. A line like `top-k = 3` applies to every command with that option or, under `[label]`,
    to that command only. The command line and environment variables override these files.

    Examples:
        vswin config
        echo 'model = "swin-t-k400"' > vswin.toml && vswin config
        vswin config --format json
    """
    from vswin_cli.cli.configuration import configuration_files, faults, read_configuration
    from vswin_cli.cli.tables import print_records

    records: list[dict[str, Any]] = [
        _record(name, "", value, "environment")
        for name in _VARIABLES
        if (value := os.environ.get(name))
    ]
    seen: set[tuple[str, str]] = set()
    wrong: list[str] = []
    configured = read_configuration(wrong.append)
    for option in configured:
        key = (option.command, option.option)
        if key not in seen and option.option:
            seen.add(key)
            value = option.value
            value = value if isinstance(value, str) else json.dumps(value, default=str)
            records.append(_record(option.option, option.command, value, str(option.path)))
    print_records(records, output_format, ["option", "command", "value", "from"])
    if output_format == "table" and not quiet:
        for path in configuration_files():
            print(f"{path}: {'read' if path.is_file() else 'not found'}")
    group: Any = context.parent and context.parent.command
    wrong += faults(configured, dict(group.options()))
    for fault in wrong:
        print_error(fault)
    if wrong:
        raise typer.Exit(UsageError.exit_code)


def _record(option: str, command: str, value: str, place: str) -> dict[str, Any]:
    told = told_without_credentials(value)
    return {"option": option, "command": command, "value": told, "from": place}
