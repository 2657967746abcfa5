"""Makes commands from functions, with help in plain text and options under titles.

Typer's boxes take a quarter of a second to draw, and half the width. Modules that only some
commands need are imported there, to keep the help fast.
"""

import inspect
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import MISSING, fields
from functools import wraps
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from vswin_cli.errors import UsageError

_CHOICES = re.compile(r" <?(?P<choices>[^<> ]*[|][^<> ]*)>?$")
_TYPE = re.compile(r" <[^<>]*>$")  # less informative than the name of the value
_FLAGS = re.compile(r"--(?P<name>[a-z-]+) / --no-(?P=name)$")
_RANGE = re.compile(r"(; )?-?[0-9.]*(<=?)?x[<>]=?[0-9.]+")  # the error message states the range
_WHOLE = re.compile(r"(default: \d+)\.0\b")  # as in 300.0
_LONGEST_NAMES = 24  # characters; longer names have their text below them
_NARROW = 60  # columns; below this, all texts are below their names
_WIDEST = 100
_WHOLE_WORDS = str.maketrans("-", "\N{NON-BREAKING HYPHEN}")  # no line ends inside `--top-k`
_HELP = {"-h", "--help"}
_PLAIN: dict[str, Any] = {
    "rich_markup_mode": None,
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


def _fit(context: Any) -> None:  # noqa: ANN401 - Typer's
    """Use the terminal's width for the help; Typer assumes 50 columns or more."""
    context.terminal_width = max(min(shutil.get_terminal_size().columns, _WIDEST) - 2, 20)


def _write_rows(formatter: Any, rows: list[tuple[str, str]]) -> None:  # noqa: ANN401
    formatter.write_dl(rows, col_max=2 if formatter.width < _NARROW else _LONGEST_NAMES)


class PlainCommand(TyperCommand):
    """A command whose help lists options under panel titles, and examples at the end.

    The examples are the lines under `Examples:` at the end of its docstring.
    """

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Any = None,  # noqa: ANN401
        **extra: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Use values from configuration files for options that are not given."""
        names = [parent.command_path] if parent is not None and parent.parent is not None else []
        path = [*names, info_name or ""]
        name = " ".join(path).removeprefix("vswin ")
        if name == "config":  # it shows the errors itself
            return super().make_context(info_name, args, parent, **extra)
        from vswin_cli.cli.configuration import defaults

        with ExitStack() as stack:
            chosen: dict[str, Any] = {}
            with suppress(UsageError) if _HELP.intersection(args) else nullcontext():
                chosen = stack.enter_context(defaults(self, name))
            return super().make_context(info_name, args, parent, default_map=chosen, **extra)

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401
        """Write the help at the terminal's width."""
        _fit(ctx)
        return super().get_help(ctx).replace("\N{NON-BREAKING HYPHEN}", "-")

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401
        """List the arguments without Typer's braces."""
        return [re.sub("[{}]", "", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the description of the command, without its examples."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_parted(self.help)[0].translate(_WHOLE_WORDS))

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the arguments, and the options of each panel."""
        from vswin_cli.cli.options import RUN

        panels: dict[str, list[tuple[str, str]]] = defaultdict(list)
        params = self.get_params(ctx)
        usual = (
            RUN if any(getattr(p, "rich_help_panel", None) == RUN for p in params) else "Options"
        )
        for param in params:
            record = param.get_help_record(ctx)
            if record is not None:
                is_argument = param.param_type_name == "argument"
                panel = getattr(param, "rich_help_panel", None)
                names, text = _row(*record)
                title = panel or ("Arguments" if is_argument else usual)
                panels[title].append((names, text.translate(_WHOLE_WORDS)))
        for title in sorted(panels, key=panel_place):
            with formatter.section(title):
                _write_rows(formatter, panels[title])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the examples, one per line at any width."""
        if examples := _parted(self.help)[1]:
            with formatter.section("Examples"):
                for line in examples.splitlines():
                    formatter.write(f"  {line.strip()}\n")


def panel_place(title: str) -> int:
    """Return the position of a panel among those of a command."""
    from vswin_cli.cli.options import PANELS

    order = ("Arguments", *PANELS)
    return order.index(title) if title in order else len(order)


def _parted(text: str | None) -> tuple[str, str]:
    """Split a docstring into its description and the examples at its end."""
    about, _, examples = inspect.cleandoc(text or "").partition("\n\nExamples:\n")
    return about, examples


def _row(names: str, text: str) -> tuple[str, str]:
    """Make a row with the names of an option, its value's name, and its help."""
    from vswin_cli.sources.addresses import told_without_credentials

    names = _FLAGS.sub(r"--[no-]\g<name>", names)
    text = _RANGE.sub("", told_without_credentials(text)).replace("  []", "").replace("[; ", "[")
    text = _WHOLE.sub(r"\1", text)
    choices = _CHOICES.search(names)
    if choices is None:
        return _TYPE.sub("", names), text
    if len(names) <= _LONGEST_NAMES:
        return names.replace("<", "").replace(">", ""), text
    listed = choices["choices"].split("|")
    if all(f"{name}: " in text for name in listed):  # each is described
        return _CHOICES.sub(" NAME", names), text
    about, default = re.split(r"(?= Default:|  \[)|$", text, maxsplit=1)
    return _CHOICES.sub(" NAME", names), f"{about} One of {', '.join(listed)}.{default}"


class PlainGroup(TyperGroup):
    """A group of commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Avoid the import of pydantic, with which Typer makes flags of None."""
        for param in self.get_params(ctx):
            if param.default is None:
                param.default = False
        return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401
        """Write the help at the terminal's width."""
        _fit(ctx)
        return super().get_help(ctx)


class LazyGroup(PlainGroup):
    """Commands that are imported when they are used, listed under titles.

    Each is a function or a group of commands, in a module of the same name.
    """

    titles: Mapping[str, Mapping[str, str]] = {}

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.commands = dict.fromkeys(self.list_commands(None))  # type: ignore[assignment]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Import a command from the module of its name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return as_command(cmd_name, _imported(cmd_name))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Check names in configuration files, except for --help and `vswin config`."""
        is_looked_at = bool(_HELP.intersection(args)) or "config" in args[:1]
        rest = super().parse_args(ctx, args)
        if is_looked_at:
            return rest
        from vswin_cli.cli.configuration import faults, read_configuration

        if configured := read_configuration():
            for fault in faults(configured, dict(self.options())):
                raise UsageError(fault)
        return rest

    def options(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name of each command with its options."""
        from vswin_cli.cli.configuration import option_params

        for name in self.list_commands(None):
            command = as_command(name, _imported(name))
            for inner, each in getattr(command, "commands", {"": command}).items():
                yield f"{name} {inner}".strip(), option_params(each)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401
        """List the commands in the order of the titles."""
        return [name for names in self.titles.values() for name in names]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the commands under each title with their descriptions."""
        for title, commands in self.titles.items():
            with formatter.section(title):
                _write_rows(formatter, list(commands.items()))


def _imported(name: str) -> Callable[..., None] | typer.Typer:
    name = name.replace("-", "_")
    command: Callable[..., None] | typer.Typer = getattr(
        import_module(f"vswin_cli.cli.commands.{name}"), name
    )
    return command


def as_command(name: str, command: Callable[..., None] | typer.Typer) -> Any:  # noqa: ANN401
    """Make a Typer command from a function with options, or from a group of commands."""
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    single = typer.Typer(**_PLAIN)
    single.command(name, cls=PlainCommand)(expanded(command))
    return typer.main.get_command(single)


def subcommands(name: str, about: str) -> typer.Typer:
    """Make an empty group of commands, which shows its help if no command is given."""
    group = typer.Typer(
        name=name, help=about, cls=PlainGroup, invoke_without_command=True, **_PLAIN
    )

    @group.callback()
    def show_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return group


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn a command with groups of options into one with their single options.

    If two groups have the same option, it sets the first one; the other keeps its default.

    Args:
        command: Function whose parameters have annotations for Typer, or a class of `GROUPS`.
    """
    from vswin_cli.cli.option_groups import GROUPS

    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type, list[str]]] = {}  # with the names of its options
    for name, parameter in inspect.signature(command).parameters.items():
        if parameter.annotation in GROUPS:
            known = {each.name for each in parameters}
            options = [
                each
                for each in _options_of(parameter.annotation, GROUPS[parameter.annotation])
                if each.name not in known
            ]
            groups[name] = parameter.annotation, [each.name for each in options]
            parameters += options
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @wraps(command)
    def taking_options(**given: object) -> None:
        for name, (group, options) in groups.items():
            values = {option: given.pop(option) for option in options}
            given[name] = group(
                **{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
            )
        command(**given)

    taking_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return taking_options


def _options_of(group: type, annotations: Mapping[str, Any]) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=annotations[field.name],
        )
        for field in fields(group)
    ]
