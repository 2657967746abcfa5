"""Finds the models in a checkpoint, and chooses one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vswin_cli.conversion.keras_styles import OWN, PUBLISHED
from vswin_cli.conversion.pytorch_styles import OPENMMLAB, TORCHVISION
from vswin_cli.conversion.styles import Style
from vswin_cli.conversion.tensors import StoredTensor, Tree
from vswin_cli.errors import CheckpointError, UsageError
from vswin_cli.system.terminal import counted

STYLES: tuple[Style, ...] = (OPENMMLAB, TORCHVISION, PUBLISHED, OWN)

_MAX_PARTS = 100  # in one dictionary
# Copies that training programs keep next to the model that they train.
_COPIES = ("ema", "swa", "average", "teacher", "momentum")


@dataclass(frozen=True)
class Part:
    """A dictionary of tensors in which a backbone has been found.

    Args:
        path: Keys of the dictionaries around it, such as `state_dict`.
        prefix: Prefix of the backbone's keys, such as `module.backbone.`.
        style: Style of its keys.
        tensors: The whole dictionary.
    """

    path: tuple[str, ...]
    prefix: str
    style: Style
    tensors: Mapping[str, StoredTensor]

    @property
    def name(self) -> str:
        """What `--part` calls it."""
        return ":".join([*self.path, self.prefix])

    @property
    def is_copy(self) -> bool:
        """Whether its name is that of a moving average or a similar copy."""
        return any(word in self.name.lower() for word in _COPIES)


def choose_part(tree: Tree, wanted: str | None = None) -> Part:
    """Choose the model to convert; copies averaged in training are the second choice.

    Args:
        tree: The content of the checkpoint.
        wanted: A part's name, or its beginning.

    Raises:
        CheckpointError: There is no Video Swin in it.
        UsageError: There are several, or none has the wanted name.
    """
    parts = list(_parts(tree, ()))
    if not parts:
        raise CheckpointError(f"it contains no Video Swin, but {_what_else(tree)}")
    names = ", ".join(repr(part.name) for part in parts)
    if wanted is not None:
        chosen = [part for part in parts if wanted in (part.name, ":".join(part.path))]
        chosen = chosen or [part for part in parts if part.name.startswith(wanted)]
        if len(chosen) != 1:
            raise UsageError(f"--part {wanted} names {len(chosen)} of the models in it: {names}")
        return chosen[0]
    chosen = [part for part in parts if not part.is_copy] or parts
    if len(chosen) > 1:
        raise UsageError(f"it contains {len(chosen)} models; choose one with --part: {names}")
    return chosen[0]


def _parts(tree: Tree, path: tuple[str, ...]) -> Iterator[Part]:
    tensors = {key: item for key, item in tree.items() if isinstance(item, StoredTensor)}
    for style in STYLES:
        prefixes = [key.removesuffix(style.anchor) for key in tensors if key.endswith(style.anchor)]
        if len(prefixes) > _MAX_PARTS:  # each is looked for among all keys
            raise CheckpointError(f"it seems to contain {len(prefixes)} models; save only one")
        for prefix in prefixes:
            if prefix and prefix[-1] not in "./":
                continue
            below = (other[len(prefix) :] for other in tensors if other.startswith(prefix))
            if style.owns(below):
                yield Part(path, prefix, style, tensors)
    for key, item in tree.items():
        if not isinstance(item, StoredTensor):
            yield from _parts(item, (*path, key))


def others(tree: Tree, path: tuple[str, ...]) -> Iterator[str]:
    """Name everything else that contains tensors, one line each."""
    for depth, step in enumerate(path):
        for key, item in tree.items():
            name = ":".join([*path[:depth], key])
            if isinstance(item, StoredTensor):
                yield name
            elif key != step and (count := _count_tensors(item)):
                yield _counted(name, count)
        inner = tree[step]
        if isinstance(inner, StoredTensor):  # it is a dictionary, since the path leads through it
            return
        tree = inner
    for key, item in tree.items():
        if not isinstance(item, StoredTensor) and (count := _count_tensors(item)):
            yield _counted(":".join([*path, key]), count)


def _counted(name: str, count: int) -> str:
    return f"{name} ({counted(count, 'tensor')})"


def _count_tensors(tree: Tree) -> int:
    """Count tensors, at all depths."""
    return sum(
        1 if isinstance(item, StoredTensor) else _count_tensors(item) for item in tree.values()
    )


def _what_else(tree: Tree) -> str:
    count = _count_tensors(tree)
    if not count:
        return (
            "objects without tensors by name; if a whole model was pickled, save its state_dict() "
            "in the program that made it"
        )
    return f"{counted(count, 'tensor')} such as {next(_keys(tree))}"


def _keys(tree: Tree) -> Iterator[str]:
    for key, item in tree.items():
        if isinstance(item, StoredTensor):
            yield key
        else:
            yield from _keys(item)
