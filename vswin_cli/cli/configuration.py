"""`vswin.toml`: defaults of options, from the current folder, then from the user's own folder.

A key is an option's long name, for every command that has it; a table is a command's name, for that
command alone, which comes first:

    model = "swin-t-k400"
    [label]
    top-k = 3
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer
from typer._click.core import ParameterSource

from vswin_cli.errors import UsageError

NAME = "vswin.toml"
_MODEL_FILE_KEY = "architecture"  # `vswin convert` may have made a model file of that name


@dataclass(frozen=True)
class ConfiguredOption:
    """An option's default, as a file has it."""

    command: str  # "" is every command that has the option
    option: str  # without dashes
    value: Any
    path: Path


def configuration_files() -> list[Path]:
    """Name the files that are looked for, the one that comes first at first."""
    import platformdirs

    files = [Path(NAME)]
    with suppress(RuntimeError, KeyError):  # nobody's home is known
        files.append(Path(platformdirs.user_config_dir("vswin")) / NAME)
    return files


def read_configuration() -> tuple[ConfiguredOption, ...]:
    """Read all files that there are; of one option the first counts.

    Raises:
        UsageError: One cannot be understood.
    """
    found: list[ConfiguredOption] = []
    for path in configuration_files():
        options = _read(path)
        found += sorted(options, key=lambda option: not option.command)  # the command's own first
    return tuple(found)


@contextmanager
def defaults(command: Any, name: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - Typer's
    """Lend the defaults of a command's parameters; say of a wrong one where it stands.

    Args:
        command: Has them.
        name: Of the command, such as `label` or `weights list`.

    Raises:
        UsageError: A file names an option that the command has not.
    """
    params = {_long_name(param): param for param in command.params}
    chosen: dict[str, Any] = {}
    places: dict[str, Path] = {}
    for option in read_configuration():
        if option.command not in ("", name):
            continue
        param = params.get(option.option)
        if param is None:
            if option.command:
                raise _unknown(option, f"`vswin {name}`", params)
            continue
        if param.name not in chosen:
            chosen[param.name] = _value(option, param)
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


def check_configuration(known: Mapping[str, set[str]]) -> None:
    """Refuse what no command has.

    Args:
        known: The options of each command.

    Raises:
        UsageError: A file names another command or option.
    """
    everywhere = set().union(*known.values())
    for option in read_configuration():
        if option.command and option.command not in known:
            raise UsageError(f"{option.path}: vswin has no command {option.command}")
        if option.option not in (known[option.command] if option.command else everywhere):
            what = f"`vswin {option.command}`" if option.command else "vswin"
            raise _unknown(option, what, known.get(option.command, everywhere))


def option_names(command: Any) -> set[str]:  # noqa: ANN401 - Typer's
    """The options of a command, as files name them."""
    return {name for param in command.params if (name := _long_name(param))}


def _value(option: ConfiguredOption, param: Any) -> Any:  # noqa: ANN401
    """What a parameter takes: one thing stands for a list of it, and a flag is true or false.

    Raises:
        UsageError: It is neither.
    """
    value = option.value
    if getattr(param, "is_flag", False) and not isinstance(value, bool):
        raise UsageError(f"{option.path}: {option.option} is true or false, not {value!r}")
    return [value] if getattr(param, "multiple", False) and not isinstance(value, list) else value


def _long_name(param: Any) -> str:  # noqa: ANN401
    """What a file calls a parameter; nothing is no option of its own."""
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
        raise UsageError(f"cannot read the configuration {path}: {reason}; mend it") from exc
    if _MODEL_FILE_KEY in content:
        return []
    return list(_options(content, "", path))


def _options(table: Mapping[str, Any], command: str, path: Path) -> Iterator[ConfiguredOption]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _options(value, f"{command} {key}".strip(), path)
        else:
            yield ConfiguredOption(command, key.replace("_", "-"), value, path)
