"""What the metrics mean in words, and what to try next."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_FAR = 0.2  # difference between training and validation accuracy that is worth a remark


def remarks_on(
    best: Mapping[str, float],
    accuracy: float | None,
    classes: Sequence[Mapping[str, Any]],
    *,
    is_early: bool,
    multi_label: bool,
    how: str,
) -> Iterator[str]:
    """Describe anything unusual about a training.

    Args:
        best: As for `Fitted`; without training metrics if the first weights were kept.
        accuracy: Accuracy on the test split, in [0, 1]; None if it is unknown.
        classes: The classes in `metrics.json`.
        is_early: Whether the training stopped before its last epoch.
        multi_label: Whether a clip may have several classes.
        how: head or full.
    """
    train = best.get("train_accuracy")
    validation = best.get("validation_accuracy", 0.0)
    chance = 1 / len(classes)
    if best.get("epoch") == 0:
        yield (
            "no epoch was better than the weights at the start, which were kept; try a lower --lr"
        )
    elif is_early:
        yield f"stopped early: validation accuracy did not improve after epoch {best['epoch']:.0f}"
    if multi_label and how == "full":
        train = None  # the share of right labels, which is another measure
    if not multi_label and train is not None and train < 1.5 * chance:
        more = (
            "--how full, or another --model" if how == "head" else "a lower --lr, or more --epochs"
        )
        yield (
            f"nothing was learned: {train:.0%} right in training, {chance:.0%} by chance; "
            f"check the labels, then try {more}"
        )
    elif train is not None and train - validation > _FAR:
        yield (
            f"validation ({validation:.0%}) is far below training ({train:.0%}): the model has "
            "memorised its clips; add clips, or try --mixup 0.2, --label-smoothing 0.1"
            + ("" if how == "head" else ", fewer --epochs")
        )
    missed = [each["label"] for each in classes if each["clips"] and each.get("right") == 0]
    if missed:
        yield (
            f"no clip of {', '.join(missed[:8])}{' and others' if missed[8:] else ''} is "
            "recognised; check the labels, or add clips"
        )
    if accuracy is None:
        yield "mean average precision unknown: each label is on all test clips or none; add clips"
    elif validation - accuracy > _FAR:
        yield (
            f"test ({accuracy:.0%}) is far below validation ({validation:.0%}): test clips differ; "
            "with a group column, validation clips differ from training clips too"
        )
