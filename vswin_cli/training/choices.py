"""The choices that follow from `auto`, the recipe and the options, and notes about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vswin_cli.errors import UsageError
from vswin_cli.system.processors import available_memory
from vswin_cli.training.checks import batch_that_fits
from vswin_cli.training.options import (
    RECIPE_BATCH,
    Augment,
    Recipe,
    TrainingOptions,
    direction_in,
    recipe_for,
)
from vswin_cli.zoo.models import Model

_LARGE_GMACS = 10.0  # GMACs per view, from which training all weights takes hours on a CPU
_MOST_PER_STEP, _MOST_ON_GPU = 8, 16  # clips; with fewer, a GPU is idle


@dataclass(frozen=True)
class Chosen:
    """The choices for a training."""

    how: str  # head or full
    recipe: Recipe
    batch_size: int
    lr: float
    augment: Augment


def choose(
    options: TrainingOptions,
    model: Model,
    labels: Sequence[str],
    backend: str,
    *,
    has_gpu: bool,
    num_clips: int | None = None,
    begun_with: int | None = None,
) -> Chosen:
    """Choose the options that were left open.

    Args:
        options: The given options.
        model: Model to start from.
        labels: The classes.
        backend: Backend for training all weights.
        has_gpu: Whether the backend computes on a GPU.
        num_clips: Number of training clips, which a batch cannot exceed; None if unknown.
        begun_with: Batch size with which an earlier run began; another one would not continue it.

    Raises:
        UsageError: The options contradict each other.
    """
    how = options.how
    if how == "auto":
        is_slow = model.gmacs > _LARGE_GMACS and not has_gpu
        how = "head" if is_slow and not options.from_scratch else "full"
    if how == "full" and backend == "openvino":
        raise UsageError("--backend openvino cannot train; remove it, or use --how head")
    if how == "head" and options.from_scratch:
        raise UsageError("--from-scratch has no features to fit a head to; use --how full")
    recipe = recipe_for(model.architecture)
    if options.from_scratch:
        recipe = replace(recipe, backbone_lr=1.0)
    asked = {
        name: value
        for name in ("backbone_lr", "weight_decay", "drop_path", "epochs")
        if (value := getattr(options, name)) is not None
    }
    recipe = replace(recipe, **asked)
    batch_size = (
        options.batch_size
        or begun_with
        or batch_that_fits(
            model.architecture,
            model.protocol.view_size,
            available_memory(),
            _MOST_ON_GPU if has_gpu else _MOST_PER_STEP,
        )
    )
    batch_size = min(batch_size, num_clips or batch_size)
    augment: Augment
    if options.augment != "auto":
        augment = options.augment
    else:
        augment = "directional" if direction_in(labels) else "default"
    lr = options.lr or recipe.lr * batch_size / RECIPE_BATCH
    return Chosen(how, recipe, batch_size, lr, augment)


def choices_said(
    chosen: Chosen,
    options: TrainingOptions,
    labels: Sequence[str],
    backend: str,
    counts: Sequence[int],
    *,
    is_balanced: bool,
) -> Iterator[str]:
    """Describe the choices, one line each.

    Args:
        chosen: The choices.
        options: The given options.
        labels: The classes.
        backend: Backend for training.
        counts: Training clips per class.
        is_balanced: Whether classes are balanced because these counts differ much.
    """
    if chosen.how == "head":
        unused = ", ".join(f"--{name.replace('_', '-')}" for name in options.given_for_full())
        uses = f" and uses {unused}" if unused else ""
        yield f"how: head, fitted to features; --how full trains all weights{uses}"
    else:
        yield (
            f"how: full, {chosen.recipe.epochs} epochs of {chosen.batch_size} clips per step on "
            f"{backend}, learning rate {chosen.lr:.2g}, for the backbone "
            f"{chosen.lr * chosen.recipe.backbone_lr:.2g}"
        )
        found = direction_in(labels)
        if options.augment == "auto" and found:
            yield (
                f"augment: directional, no flips, because of {found[1]!r} in {found[0]!r}; "
                "--augment default flips"
            )
        elif chosen.augment == "default" and found:
            yield f"augment: flips, despite {found[1]!r} in {found[0]!r}"
    if is_balanced:
        what = "not weighted" if options.multi_label else "weighted to count equally"
        yield f"classes have {min(counts)} to {max(counts)} clips: {what}"
