"""Writes a converted model: the weights, and the model file next to them, each complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vswin_cli.conversion.matching import Match
from vswin_cli.errors import CheckpointError, ModelFileError, OutputError, UsageError
from vswin_cli.network.checkpoint import save_checkpoint
from vswin_cli.system.files import file_sha256, replacing
from vswin_cli.system.lent_folder import lent_folder
from vswin_cli.zoo.model_file import model_text, parse_model_file
from vswin_cli.zoo.models import CustomModel


def write_model(
    model: CustomModel, found: Match, *, checkpoint: Path, overwrite: bool
) -> CustomModel:
    """Write a model: its weights first, then its model file.

    Args:
        model: Model with the paths to write; its SHA-256 is not known yet.
        found: Variables to write.
        checkpoint: File that they come from.
        overwrite: Replace existing files.

    Returns:
        The model with its SHA-256.

    Raises:
        ModelFileError: The model makes no sense; nothing was written.
        UsageError: Another process writes to one of the files.
        OutputError: A file exists already, or cannot be written.
        CheckpointError: A tensor is damaged or contains numbers that are not finite.
    """
    origin = f"converted from {checkpoint.name}"
    try:
        parse_model_file(model.path, model_text(model, origin=origin))
    except ModelFileError as exc:
        raise ModelFileError(f"cannot write {exc}") from exc
    refuse_existing(model, overwrite=overwrite)
    with _replacing(model.weights_path, overwrite=overwrite) as temporary:
        try:
            save_checkpoint(temporary, found.variables, model.architecture, found.num_classes)
        except CheckpointError as exc:
            raise CheckpointError(f"cannot convert {checkpoint}: {exc}") from exc
        model = replace(model, sha256=file_sha256(temporary))
    with _replacing(model.path, overwrite=overwrite) as temporary:
        temporary.write_text(model_text(model, origin=origin), encoding="utf-8")
    return model


def refuse_existing(model: CustomModel, *, overwrite: bool) -> None:
    """Refuse to replace existing files, unless that is allowed.

    Raises:
        OutputError: One of the two files exists.
    """
    for path in (model.weights_path, model.path):
        if not overwrite and os.path.lexists(path):
            raise OutputError(f"{path} already exists; use --force, or choose another --output")


@contextmanager
def _replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Lend a file that replaces the path if the block succeeds."""
    try:
        with (
            lent_folder(path) as lent,
            replacing(path, overwrite=overwrite, temporary=lent / path.name) as temporary,
        ):
            yield temporary
    except FileExistsError as exc:
        raise OutputError(
            f"{path} already exists; use --force, or choose another --output"
        ) from exc
    except BlockingIOError as exc:
        raise UsageError(
            f"cannot write {path}: {exc.strerror}, or choose another --output"
        ) from exc
    except (OSError, RuntimeError) as exc:  # HDF5 reports a full disk as the latter
        reason = getattr(exc, "strerror", None) or exc
        raise OutputError(f"cannot write {path}: {reason}; choose another --output") from exc
