"""`vswin.toml`: defaults of options, from the current folder, then the configuration folder.

A key is the long name of an option, for all commands that have it. A table has the name of a
command and applies to that command only, with priority:

    model = "swin-t-k400"

    [label]
    top-k = 3
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from typer._click.core import ParameterSource

from vswin_cli.errors import UsageError
from vswin_cli.sources.addresses import told_without_credentials

NAME = "vswin.toml"
_TABLE_ALONE = {("search", "model")}  # the features file names it
_MODEL_FILE_KEY = "architecture"  # marks a model file of `vswin convert` with that name


@dataclass(frozen=True)
class ConfiguredOption:
    """The default of an option in a file."""

    command: str  # "" means all commands that have the option
    option: str  # without dashes
    value: Any
    path: Path


def configuration_files() -> list[Path]:
    """List the files to look for, the one with priority first."""
    import platformdirs

    files = [Path(NAME)]
    with suppress(RuntimeError, KeyError):  # the home folder is unknown
        files.append(Path(platformdirs.user_config_dir("vswin")) / NAME)
    return files


def read_configuration(
    on_fault: Callable[[str], None] | None = None,
) -> tuple[ConfiguredOption, ...]:
    """Read all existing files; for each option, the first value counts.

    Args:
        on_fault: Called with the reason why a file is ignored.

    Raises:
        UsageError: A file is invalid, and there is no `on_fault`.
    """
    found: list[ConfiguredOption] = []
    for path in configuration_files():
        try:
            options = _read(path)
        except UsageError as exc:
            if on_fault is None:
                raise
            on_fault(str(exc))
            continue
        found += sorted(options, key=lambda option: not option.command)  # the command's first
    return tuple(found)


@contextmanager
def defaults(command: Any, name: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - Typer's
    """Provide the defaults of a command's parameters; an error names the place of a wrong one.

    Args:
        command: Command with the parameters.
        name: Name of the command, such as `label` or `weights list`.

    Raises:
        UsageError: A file names an option that the command does not have.
    """
    params = option_params(command)
    chosen: dict[str, Any] = {}
    places: dict[str, Path] = {}
    for option in read_configuration():
        if option.command not in ("", name) or not option.option:
            continue
        if not option.command and (name, option.option) in _TABLE_ALONE:
            continue
        param = params.get(option.option)
        if param is None:
            if option.command:
                raise _unknown(option, f"`vswin {name}`", params)
            continue
        if param.name not in chosen:
            if (fault := _fault(option, param)) is not None:
                if option.command:
                    raise UsageError(fault)
                continue  # another command accepts it
            is_one_of_several = param.multiple and not isinstance(option.value, list)
            chosen[param.name] = [option.value] if is_one_of_several else option.value
            places[param.name] = option.path
    try:
        yield chosen
    except typer.BadParameter as error:
        param, context = error.param, error.ctx
        if param is None or context is None or param.name not in places:
            raise
        if context.get_parameter_source(param.name) is not ParameterSource.DEFAULT_MAP:
            raise
        raise UsageError(f"{places[param.name]}: {error.format_message()}") from error


def faults(
    options: Iterable[ConfiguredOption], known: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield errors: no command has the option, or none of those that have it accepts the value.

    Args:
        options: Options of the files.
        known: Options of each command, with their parameters.
    """
    everywhere = {name for params in known.values() for name in params}
    for option in options:
        command, name = option.command, option.option
        if not name:  # an empty table
            if not any(each == command or each.startswith(f"{command} ") for each in known):
                yield f"{option.path}: vswin has no command {command}"
        elif command and command not in known:
            yield f"{option.path}: vswin has no command {command}"
        elif name not in (known[command] if command else everywhere):
            is_table = isinstance(option.value, list) and name in known
            what = f"`vswin {command}`" if command else "vswin"
            yield (
                f"{option.path}: write [{name}] for the options of `vswin {name}`"
                if is_table
                else str(_unknown(option, what, known.get(command, everywhere)))
            )
        else:
            commands = [known[command]] if command else known.values()
            found = [_fault(option, params[name]) for params in commands if name in params]
            if found and all(found):
                yield str(found[0])


def option_params(command: Any) -> dict[str, Any]:  # noqa: ANN401 - Typer's
    """Return the parameters of a command by their option names in files."""
    return {name: param for param in command.params if (name := _long_name(param))}


def _fault(option: ConfiguredOption, param: Any) -> str | None:  # noqa: ANN401, PLR0911
    """Return why a parameter does not accept a value; one value can replace a list."""
    value, place = option.value, f"{option.path}: {option.option}"
    if getattr(param, "is_flag", False):
        is_known = isinstance(value, bool)
        return None if is_known else f"{place} must be true or false, not {_shown(value)}"
    if isinstance(value, list) and not param.multiple:
        return f"{place} takes one value, not the list {_shown(value)}"
    annotation = param.type_descriptor.annotation
    kind = get_args(annotation)[0] if get_origin(annotation) is list else annotation
    for each in value if isinstance(value, list) else [value]:
        if kind in (int, float):
            is_number = isinstance(each, (int, float)) and not isinstance(each, bool)
            is_number = is_number and (kind is float or isinstance(each, int) or each.is_integer())
            if not (is_number or isinstance(each, str)):
                return f"{place} must be a number, not {_shown(each)}"
        elif not isinstance(each, str) and not (type(each) is int and _has_numbers(kind)):
            return f"{place} must be text in quotes, not {_shown(each)}"
    given = [value] if param.multiple and not isinstance(value, list) else value
    try:
        param.get_runtime_param().coerce(given, param=param, ctx=None)
    except typer.BadParameter as exc:
        return f"{option.path}: {told_without_credentials(exc.format_message())}"
    except UsageError as exc:
        return f"{option.path}: {exc}"
    return None


def _has_numbers(kind: object) -> bool:
    return get_origin(kind) is Literal or kind is Any


def _shown(value: object) -> str:
    return told_without_credentials(json.dumps(value, default=str))


def _long_name(param: Any) -> str:  # noqa: ANN401
    """Return the name of a parameter in files; "" if it has no option."""
    names = [name for name in param.opts if name.startswith("--")]
    return names[0].removeprefix("--") if names else ""


def _unknown(
    option: ConfiguredOption, what: str, known: Mapping[str, Any] | set[str]
) -> UsageError:
    nearest = get_close_matches(option.option, list(known), n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else "; see its --help"
    return UsageError(f"{option.path}: {what} has no option {option.option}{hint}")


def _read(path: Path) -> list[ConfiguredOption]:
    import tomllib

    from vswin_cli.system.text import read_text

    if not os.path.lexists(path):
        return []
    try:
        content = tomllib.loads(read_text(path, 1_000_000))
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"cannot read the configuration {path}: {reason}; correct it") from exc
    if _MODEL_FILE_KEY in content:
        return []
    return list(_options(content, "", path))


def _options(table: Mapping[str, Any], command: str, path: Path) -> Iterator[ConfiguredOption]:
    for key, value in table.items():
        if value == {}:
            yield ConfiguredOption(f"{command} {key}".strip(), "", None, path)
        elif isinstance(value, dict):
            yield from _options(value, f"{command} {key}".strip(), path)
        else:
            yield ConfiguredOption(command, key.replace("_", "-"), value, path)
