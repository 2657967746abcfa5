"""A model in a checkpoint: opened, understood, and ready to be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vswin_cli.conversion.checkpoint_file import open_checkpoint
from vswin_cli.conversion.matching import Match, match
from vswin_cli.conversion.parts import Part, choose_part, count_tensors
from vswin_cli.conversion.tensors import StoredTensor, Tree
from vswin_cli.errors import CheckpointError, UsageError
from vswin_cli.zoo.architectures import Size


@dataclass(frozen=True)
class FoundModel:
    """The model that was chosen, and what else there is."""

    part: Part
    match: Match
    others: tuple[str, ...]  # what else holds tensors, a line each


@contextmanager
def find_model_in(
    checkpoint: Path, part: str | None = None, window: Size | None = None
) -> Iterator[FoundModel]:
    """Open a checkpoint and understand its model, whose numbers can be read until the block ends.

    Args:
        checkpoint: The file.
        part: Which of several models, as of `choose_part`.
        window: As of `match`.

    Raises:
        WeightsNotFoundError, CheckpointError, UsageError: It cannot be converted; the line says
            why, of which file.
    """
    with open_checkpoint(checkpoint) as tree:
        try:
            chosen = choose_part(tree, part)
            found = FoundModel(chosen, match(chosen, window), tuple(_others(tree, chosen.path)))
        except (CheckpointError, UsageError) as exc:
            raise type(exc)(f"cannot convert {checkpoint}: {exc}") from exc
        yield found


def _others(tree: Tree, path: tuple[str, ...]) -> Iterator[str]:
    """Name what holds tensors beside the chosen dictionary."""
    for depth, step in enumerate(path):
        for key, item in tree.items():
            name = ":".join([*path[:depth], key])
            if isinstance(item, StoredTensor):
                yield name
            elif key != step and (count := count_tensors(item)):
                yield _counted(name, count)
        inner = tree[step]
        if isinstance(inner, StoredTensor):  # it is a dictionary, since the path leads through it
            return
        tree = inner
    for key, item in tree.items():
        if not isinstance(item, StoredTensor) and (count := count_tensors(item)):
            yield _counted(":".join([*path, key]), count)


def _counted(name: str, count: int) -> str:
    return f"{name} (1 tensor)" if count == 1 else f"{name} ({count} tensors)"
