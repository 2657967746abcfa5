"""Pages of the documentation that MkDocs makes from the package: commands and schemas.

It is a hook of MkDocs, named in mkdocs.yml.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import files as package_files
from typing import Any

import typer
from mkdocs.structure.files import File, Files

from vswin_cli.cli import help as command_help
from vswin_cli.cli.app import COMMANDS, app
from vswin_cli.zoo.model_file import _File

_HEAD = """# Commands

Every command and option, as `vswin COMMAND --help` describes them. Options that a command shares
with others mean the same everywhere.

"""


def on_files(files: Files, config: Any) -> Files:  # noqa: ANN401 - MkDocs'
    """Add the generated pages."""
    record = package_files("vswin_cli.formats") / "record.schema.json"
    for path, content in {
        "reference/commands.md": commands_page(),
        "reference/schemas/record.schema.json": record.read_text(encoding="utf-8"),
        "reference/schemas/model-file.schema.json": model_file_schema(),
    }.items():
        files.append(File.generated(config, path, content=content))
    return files


def model_file_schema() -> str:
    """Make the JSON schema of a model file."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_File.model_json_schema(),
        "title": "Model file of vswin, as TOML",
        "description": "A custom model, as `vswin convert` writes it.",
    }
    return json.dumps(schema, indent=2) + "\n"


def commands_page() -> str:
    """Describe every command, from Typer's data."""
    group: Any = typer.main.get_command(app)
    context = group.context_class(group, info_name="vswin")
    parts = [_HEAD]
    for title, names in COMMANDS.items():
        parts.append(f"## {title}\n")
        for name in names:
            command = group.get_command(context, name)
            for path, each in _leaves(f"vswin {name}", command):
                parts += _command(path, each)
    return "\n".join(parts)


def _leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - Typer's
    """Yield the runnable commands: the command, or those of its group."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, each in command.commands.items():
        yield from _leaves(f"{path} {name}", each)


def _command(path: str, command: Any) -> Iterator[str]:  # noqa: ANN401
    context = command.context_class(command, info_name=path)
    about, examples = command_help._parted(command.help)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield f"### {path}\n\n{_marked(about)}\n\n```text\n{usage}\n```\n"
    if examples:
        lines = "\n".join(f"$ {line.strip()}" for line in examples.splitlines())
        yield f"```console\n{lines}\n```\n"
    panels: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is not None and "--help" not in record[0]:
            is_argument = param.param_type_name == "argument"
            panel = getattr(param, "rich_help_panel", None)
            title = panel or ("Arguments" if is_argument else "Options")
            panels[title].append(command_help._row(*record))
    yield "| option | meaning |\n|---|---|"
    for title in sorted(panels, key=command_help.panel_place):
        yield f"| **{title}** | |"
        for names, text in panels[title]:
            yield f"| `{names.strip()}` | {_marked(' '.join(text.split()))} |"
    yield ""


def _marked(text: str) -> str:
    """Mark options as code, and escape the rest."""
    text = re.sub(r"(?<![\w`-])(--?[a-z][a-z-]*)", r"`\1`", text)
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([*<\[\]])", r"\\\1", part) for part in parts
    )
