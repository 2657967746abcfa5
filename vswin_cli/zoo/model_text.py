"""Writes model files, as `model_file` reads them."""

import json
from dataclasses import asdict

from vswin_cli.zoo.model_file import numbered_names
from vswin_cli.zoo.models import CustomModel


def model_text(model: CustomModel, *, origin: str) -> str:
    """Write a model file's content.

    Args:
        model: Its weights stand beside the file.
        origin: A line on where they come from.
    """
    lines = [
        f"# A model for the --model of vswin, converted from {_one_line(origin)}.",
        f"name = {_quoted(model.name)}",
        f"weights = {_quoted(model.weights_path.name)}  # a path from this file's folder",
        f'sha256 = "{model.sha256}"',
    ]
    if model.has_top:
        lines.append(f"num_classes = {model.num_classes}")
        names = model.label_set.names
        if names is None:
            lines.append(f"labels = {_quoted(model.label_set.name)}")
        elif names != numbered_names(model.num_classes):
            lines += ["labels = [", *(f"  {_quoted(name)}," for name in names), "]"]
    for title, values in (
        ("architecture", asdict(model.architecture)),
        ("protocol", asdict(model.protocol)),
    ):
        lines += ["", f"[{title}]"]
        lines += [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _quoted(text: str) -> str:
    """A TOML basic string; its escapes are among JSON's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
