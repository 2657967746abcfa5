"""Checks before the first step: counts, problems, and an estimate of time and memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, prod

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.metrics import share
from vswin_cli.training.examples import SPLITS, TEST, TRAIN, VALIDATION, Example, Examples
from vswin_cli.training.inspection import Broken
from vswin_cli.zoo.architectures import Architecture, Size

FEW = 20  # training clips per class, below which more clips help most
_NUM_LISTED = 5
_UNEQUAL = 1.5  # ratio of the largest to the smallest class, from which classes are balanced
_PASSES = 3  # costs of the network per training step: forward, and twice that backward
_SHARE = 0.18  # share of the rate of large matrix products that training reaches on a CPU
_BASE_BYTES = 1_200_000_000  # memory of the libraries


@dataclass(frozen=True)
class Estimate:
    """An estimate of what a training needs."""

    seconds: float | None  # None if it was not measured, as on a GPU
    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True)
class Checked:
    """The results of the checks before the first step.

    Attributes:
        examples: Readable clips, with their splits.
        broken: Clips that cannot be read.
        alike: Pairs of videos with the same content in different splits.
        notes: What was chosen, one line each.
        warnings: What the user should know, one line each.
    """

    examples: Examples
    broken: list[Broken]
    alike: list[tuple[str, str]]
    notes: list[str]
    warnings: list[str] = field(default_factory=list)

    @property
    def is_balanced(self) -> bool:
        """Whether classes are so unequal in size that they are balanced."""
        counts = self.examples.counts(TRAIN)
        return max(counts.values()) > _UNEQUAL * min(counts.values())

    @property
    def table(self) -> list[tuple[str, int, int, int]]:
        """Each class with its number of clips per split."""
        counts = [self.examples.counts(split) for split in SPLITS]
        return [
            (name, *(count[index] for count in counts))  # type: ignore[misc]  # three of them
            for index, name in enumerate(self.examples.labels)
        ]


def warnings_about(examples: Examples, *, multi_label: bool) -> list[str]:
    """Warn about classes with few clips or nearly equal names, and about what accuracy means then.

    Raises:
        UsageError: A class has no clip to train on, or there is none to validate on.
    """
    train, test = examples.counts(TRAIN), examples.counts(TEST)
    names = examples.labels
    missing = [names[index] for index in range(len(names)) if not train[index]]
    out = sum(not each.split for each in examples.examples)
    why = f" ({out} left out, because their group or file is in the test split)" if out else ""
    if missing:
        raise UsageError(
            f"no clip to train on{why}: {', '.join(missing[:5])}"
            f"{' and others' if missing[5:] else ''}; add clips of each, or leave it out"
        )
    if not examples.of(VALIDATION):
        raise UsageError(
            f"no clip is left to validate on{why}: clips of a group, of a file or with the same "
            "content stay in one split; add clips or groups, or set the splits in the annotations"
        )
    found = []
    if not examples.of(TEST):
        found.append(
            "no test clip: the accuracy will be that of the validation clips, by which the weights "
            "are chosen, so it is too high"
        )
    cases = Counter(name.casefold() for name in names)
    if twins := [name for name in names if cases[name.casefold()] > 1]:
        found.append(
            f"{', '.join(twins[:8])} differ only in case and are different classes; if this is not "
            "intended, correct the annotations"
        )
    few = [index for index in range(len(names)) if train[index] < FEW]
    if few:
        listed = ", ".join(f"{names[index]} {train[index]}" for index in few[:8])
        more = f" and {len(few) - 8} more classes" if few[8:] else ""
        found.append(
            f"few clips to train on: {listed}{more}; classes are learned better with {FEW} or more"
        )
    rough = [index for index in range(len(names)) if 0 < test[index] < FEW]
    if rough and not multi_label:
        least = min(rough, key=lambda index: test[index])
        count = test[least]
        whole = share(count, count)
        found.append(
            f"{names[least]} has {count} test clip(s), so each is {100 / count:.0f} points of "
            f"its accuracy; even {count} of {count} right means only {100 * whole.low:.0f} to 100 %"
        )
    unknown = [names[index] for index in range(len(names)) if not test[index]]
    if unknown and examples.of(TEST):
        found.append(f"no test clip of {', '.join(unknown[:8])}: accuracy unknown")
    return found


def alike_across(
    examples: Sequence[Example], pairs: Sequence[tuple[int, int]]
) -> list[tuple[str, str]]:
    """Keep the pairs whose members are in different splits."""
    return [
        (examples[one].found.video, examples[other].found.video)
        for one, other in pairs
        if examples[one].split != examples[other].split
        and examples[one].split
        and examples[other].split
    ]


def contradictions(examples: Examples, pairs: Sequence[tuple[int, int]]) -> list[str]:
    """Warn about pairs of clips with the same content but different labels."""
    clips = examples.examples
    found = [
        f"{one.found.video} and {other.found.video} show the same, but have different labels"
        for one, other in ((clips[i], clips[j]) for i, j in pairs)
        if one.labels != other.labels
    ]
    more = [f"and {len(found) - _NUM_LISTED} more of these"] if found[_NUM_LISTED:] else []
    return [*found[:_NUM_LISTED], *more]


def estimate_full(
    architecture: Architecture,
    gmacs: float,
    view_size: Size,
    *,
    batch_size: int,
    num_views: int,
    num_validated: int,
    gflops: float | None,
    disk_bytes: int,
) -> Estimate:
    """Estimate what training all weights needs.

    Args:
        architecture: Architecture of the network.
        gmacs: Cost of a view, in 10⁹ multiply-accumulates.
        view_size: (T, H, W).
        batch_size: Views per step.
        num_views: Training views in all epochs together.
        num_validated: Validation views in all epochs together.
        gflops: Rate of large matrix products on this machine; None on a GPU.
        disk_bytes: Size of the decoded clips.
    """
    seconds = None
    if gflops is not None:
        seconds = 2 * gmacs * (_PASSES * num_views + num_validated) / (gflops * _SHARE)
    return Estimate(seconds, memory_bytes(architecture, view_size, batch_size), disk_bytes)


def memory_bytes(architecture: Architecture, view_size: Size, batch_size: int) -> int:
    """Estimate the memory for training: libraries, weights and moments, stored activations.

    `benchmarks/train_memory.py` measures it.
    """
    t, h, w = (ceil(side / cell) for side, cell in zip(view_size, architecture.patch, strict=True))
    numbers = t * h * w * 3 * prod(architecture.patch)
    weights = 0
    stages = zip(architecture.stage_dims, architecture.depths, architecture.num_heads, strict=True)
    for stage, (dim, depth, heads) in enumerate(stages):
        if stage:
            h, w = ceil(h / 2), ceil(w / 2)
        window = prod(
            min(side, tokens) for side, tokens in zip((t, h, w), architecture.window, strict=True)
        )
        # Per token: normalisations, queries and so on, the wide layer and its GELU, the scores.
        numbers += depth * t * h * w * (26 * dim + 4 * heads * window)
        weights += depth * (4 + 2 * architecture.mlp_ratio) * dim**2
    weights += sum(8 * dim**2 for dim, _ in pairwise(architecture.stage_dims))
    return _BASE_BYTES + 4 * (batch_size * numbers + 5 * weights)


def batch_that_fits(architecture: Architecture, view_size: Size, available: int, most: int) -> int:
    """Find the largest power of two, at most `most`, with which training uses half the memory."""
    size = most
    while size > 1 and memory_bytes(architecture, view_size, size) > available // 2:
        size //= 2
    return size
