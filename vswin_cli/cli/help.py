"""How functions become commands, listed and explained in plain text, their options under titles.

Typer's own boxes take a quarter second to be drawn, and half the width.
"""

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import wraps
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from vswin_cli.cli.options import GROUPS

_TYPE = re.compile(r" <(bool|str|path|list\[str\])>$")  # says less than the name before it
_PLAIN: dict[str, Any] = {
    "rich_markup_mode": None,
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
}


class PlainCommand(TyperCommand):
    """A command whose options stand under the titles of their panels."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401
        """Name the arguments without Typer's braces."""
        return [re.sub("[{}]", "", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer's
        """Write arguments, then each panel's options."""
        panels: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            is_argument = param.param_type_name == "argument"
            usual = "Arguments" if is_argument else "Options"
            names, text = record
            panels[getattr(param, "rich_help_panel", None) or usual].append(
                (_TYPE.sub("", names), text)
            )
        for title in sorted(panels, key=lambda title: (title != "Arguments", title == "Options")):
            with formatter.section(title):
                formatter.write_dl(panels[title], col_max=26)


class PlainGroup(TyperGroup):
    """A group of commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Spare the help the import of pydantic, by which Typer makes flags of None."""
        for param in self.get_params(ctx):
            if param.default is None:
                param.default = False
        return super().parse_args(ctx, args)


class LazyGroup(PlainGroup):
    """Commands that are imported when they are asked for, listed under titles.

    Each is a function, or a group of commands, of its name in the module of its name.
    """

    titles: Mapping[str, tuple[str, ...]] = {}

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.commands = dict.fromkeys(self.list_commands(None))  # type: ignore[assignment]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Import a command, from the module of its name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return as_command(cmd_name, _imported(cmd_name))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401
        """Name the commands in the order of the titles."""
        return [name for names in self.titles.values() for name in names]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write each title's commands, with the first line of what they say of themselves."""
        for title, names in self.titles.items():
            rows = [(name, _about(_imported(name))) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)


def _imported(name: str) -> Callable[..., None] | typer.Typer:
    name = name.replace("-", "_")
    command: Callable[..., None] | typer.Typer = getattr(
        import_module(f"vswin_cli.cli.commands.{name}"), name
    )
    return command


def _about(command: Callable[..., None] | typer.Typer) -> str:
    """The first line of what a command says of itself."""
    text = command.info.help if isinstance(command, typer.Typer) else command.__doc__
    return str(text).partition("\n")[0]


def as_command(name: str, command: Callable[..., None] | typer.Typer) -> Any:  # noqa: ANN401
    """Make what the command line runs of a function with options, or of a group of commands."""
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    single = typer.Typer(**_PLAIN)
    single.command(name, cls=PlainCommand)(expanded(command))
    return typer.main.get_command(single)


def subcommands(name: str, about: str) -> typer.Typer:
    """Make an empty group of commands, which says what they are if none is named."""
    group = typer.Typer(
        name=name, help=about, cls=PlainGroup, invoke_without_command=True, **_PLAIN
    )

    @group.callback()
    def show_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return group


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Make of a command that takes groups of options one that takes their options.

    Args:
        command: Its parameters have the annotations that Typer reads, or a class of `GROUPS`.
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        if parameter.annotation in GROUPS:
            groups[name] = parameter.annotation
            parameters += _options_of(parameter.annotation)
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @wraps(command)
    def taking_options(**given: object) -> None:
        for name, group in groups.items():
            values = {field.name: given.pop(field.name) for field in fields(group)}
            given[name] = group(
                **{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
            )
        command(**given)

    taking_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return taking_options


def _options_of(group: type) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=GROUPS[group][field.name],
        )
        for field in fields(group)
    ]
