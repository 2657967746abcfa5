"""The model card: data, recipe, metrics, versions, seed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vswin_cli.training.checks import Checked


def model_card(
    name: str, metrics: Mapping[str, Any], checked: Checked, remarks: Sequence[str]
) -> str:
    """Return the card as Markdown."""
    settings, accuracy = metrics["settings"], metrics["accuracy"]
    counts = ", ".join(f"{metrics['clips'][split]} {split}" for split in metrics["clips"])
    rows = "\n".join(
        f"| {label} | {train} | {validation} | {test} |"
        for label, train, validation, test in checked.table
    )
    if "low" in accuracy:
        interval = f" (95 % interval {accuracy['low']:.1%} to {accuracy['high']:.1%})"
        result = f"**{accuracy['value']:.1%}** right on the {metrics['split']} split{interval}"
    else:
        value = "unknown" if accuracy["value"] is None else f"{accuracy['value']:.1%}"
        result = f"Mean average precision on the {metrics['split']} split: **{value}**"
    recipe = "\n".join(
        f"- {key}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in {**settings, "weights kept": metrics["kept"]}.items()
        if key not in ("labels", "clips")
    )
    versions = ", ".join(f"{key} {value}" for key, value in metrics["versions"].items())
    notes = "\n".join(f"- {line}" for line in [*checked.notes, *checked.warnings, *remarks])
    return f"""# {name}

A Video Swin Transformer trained by `vswin train` from {settings["model"]}. Give this
folder as `--model` to any vswin command.

{result}. `index.html` shows
which classes are confused; `metrics.json` has all figures.

## Data
Clips: {counts}; {metrics["broken"]} could not be read, and {len(checked.examples.unmatched)} rows
of the annotations could not be used. `split.csv` lists them.

| class | train | validation | test |
|---|---:|---:|---:|
{rows}

## Choices and remarks
{notes or "- nothing"}

## Recipe
{recipe}

Versions: {versions}. Training time: {metrics["seconds"]} s.
"""
