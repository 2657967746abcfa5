"""The folder of a training: the model, and files that describe the training."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from vswin_cli.errors import OutputError
from vswin_cli.network.checkpoint import save_checkpoint
from vswin_cli.system.files import file_sha256, replacing
from vswin_cli.training.examples import LEFT_OUT, Examples
from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.catalog import MODEL_FILE
from vswin_cli.zoo.labels import custom_label_set
from vswin_cli.zoo.model_file import model_text, valid_name
from vswin_cli.zoo.models import CustomModel
from vswin_cli.zoo.protocols import ViewProtocol

WEIGHTS, SPLIT, METRICS, LOG = "model.weights.h5", "split.csv", "metrics.json", "log.csv"
PAGE, CARD = "index.html", "README.md"


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Lend a temporary file that replaces the path if the block succeeds.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        with replacing(path) as temporary:
            yield temporary
    except OSError as exc:
        raise OutputError(
            f"cannot write {path}: {exc.strerror or exc}; choose another --output"
        ) from exc


def write_model(
    folder: Path,
    weights: Mapping[str, np.ndarray],
    architecture: Architecture,
    labels: tuple[str, ...],
    protocol: ViewProtocol,
    *,
    multi_label: bool,
    origin: str,
) -> CustomModel:
    """Write the weights, then the model file that names them."""
    content = BytesIO()  # HDF5 cannot tell that a disk is full
    save_checkpoint(content, weights, architecture, len(labels))
    with written(folder / WEIGHTS) as temporary:
        temporary.write_bytes(content.getbuffer())
    model = CustomModel(
        valid_name(folder.resolve().name),
        architecture,
        custom_label_set(labels),
        protocol,
        path=folder / MODEL_FILE,
        weights_path=folder / WEIGHTS,
        sha256=file_sha256(folder / WEIGHTS),
        has_head=True,
        multi_label=multi_label,
    )
    with written(model.path) as temporary:
        temporary.write_text(model_text(model, origin=origin), encoding="utf-8")
    return model


def write_split(path: Path, examples: Examples) -> None:
    """Write the split of each clip, as a CSV that `vswin train` reads."""
    rows = [["path", "label", "split", "group", "start", "end"]]
    for each in examples.examples:
        start, end = each.found.segment or ("", "")
        names = "|".join(examples.labels[index] for index in each.labels)
        rows.append(
            [each.found.place, names, each.split or LEFT_OUT, each.group, str(start), str(end)]
        )
    write_csv(path, rows)


def write_log(path: Path, log: Sequence[Mapping[str, float]]) -> None:
    """Write a row per epoch, or per regularisation strength of a head."""
    columns = list(dict.fromkeys(key for row in log for key in row))
    rows = [columns]
    rows += [[_number(row.get(key)) for key in columns] for row in log]
    write_csv(path, rows)


def write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write rows, including names that are not UTF-8."""
    with (
        written(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream,
    ):
        csv.writer(stream, lineterminator="\n").writerows(rows)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON for people and programs."""
    with written(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.6g}"
