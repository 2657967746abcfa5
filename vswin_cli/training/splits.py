"""The splits: clips for training, for early stopping, and for one test at the end."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from vswin_cli.training.examples import SPLITS, TEST, TRAIN, VALIDATION, Example

SHARES = {TRAIN: 0.7, VALIDATION: 0.15, TEST: 0.15}
_VALIDATION_SHARE = 0.15  # share of the training clips, if the annotations have no validation split


def assign_splits(
    examples: Sequence[Example], alike: Iterable[tuple[int, int]], num_classes: int, seed: int
) -> tuple[list[Example], list[str]]:
    """Give every example a split, so that no group is in two splits.

    Splits in the annotations are kept, except that a group in the test split is removed from the
    other splits, and a group in the training split is removed from the validation split. A missing
    validation split is taken from the training split.

    Args:
        examples: Examples from the annotations.
        alike: Pairs of examples with the same content, which form a group; ignored if the
            annotations give the splits.
        num_classes: Number of classes.
        seed: Random seed.

    Returns:
        The examples, without those that have an empty split; and notes, one line each.
    """
    stated = {each.split for each in examples} - {""}
    groups = _groups(examples, () if stated else alike)
    splits = [each.split or (TRAIN if stated else "") for each in examples]
    notes = []
    if stated and (num_open := sum(not each.split for each in examples)):
        notes.append(f"{num_open} clip(s) without a split in the annotations: train")
    if stated:
        num_out, num_moved = _mend(splits, groups)
        if num_out:
            notes.append(
                f"{num_out} clip(s) left out, because their group or file is in the test split and "
                "would make it too easy"
            )
        if num_moved:
            notes.append(
                f"{num_moved} validation clip(s) moved to train, like others of their groups"
            )
    shares = dict(SHARES)
    if stated and VALIDATION not in stated:
        shares = {TRAIN: 1 - _VALIDATION_SHARE, VALIDATION: _VALIDATION_SHARE}
    if not stated or VALIDATION not in stated:
        open_ones = [i for i, split in enumerate(splits) if split == (TRAIN if stated else "")]
        chosen = _stratified(
            [examples[i] for i in open_ones], [groups[i] for i in open_ones], shares, num_classes,
            seed,
        )  # fmt: skip
        for number, split in zip(open_ones, chosen, strict=True):
            splits[number] = split
        parts = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        what = "no split in the annotations" if not stated else "no validation in the annotations"
        notes.append(f"{what}; chosen here, stratified by class and grouped: {parts}, seed {seed}")
    return [replace(e, split=s) for e, s in zip(examples, splits, strict=True)], notes


def _groups(examples: Sequence[Example], alike: Iterable[tuple[int, int]]) -> list[int]:
    """Number the groups: by name, by file (for segments), and by equal content."""
    parent = list(range(len(examples)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first: dict[tuple[str, str], int] = {}
    for number, each in enumerate(examples):
        keys = [("file", each.found.place), *([("group", each.group)] if each.group else [])]
        for key in keys:
            parent[root(number)] = root(first.setdefault(key, number))
    for one, other in alike:
        parent[root(one)] = root(other)
    return [root(number) for number in range(len(examples))]


def _mend(splits: list[str], groups: Sequence[int]) -> tuple[int, int]:
    """Separate groups that are in two splits; return how many clips were removed, and moved."""
    sides = defaultdict[int, set[str]](set)
    for split, group in zip(splits, groups, strict=True):
        sides[group].add(split)
    num_out = num_moved = 0
    for number, group in enumerate(groups):
        if splits[number] != TEST and TEST in sides[group]:
            splits[number] = ""
            num_out += 1
        elif splits[number] == VALIDATION and TRAIN in sides[group]:
            splits[number] = TRAIN
            num_moved += 1
    return num_out, num_moved


def _stratified(
    examples: Sequence[Example],
    groups: Sequence[int],
    shares: dict[str, float],
    num_classes: int,
    seed: int,
) -> list[str]:
    """Assign whole groups, large ones first, to the split that most needs their classes."""
    members = defaultdict[int, list[int]](list)
    for number, group in enumerate(groups):
        members[group].append(number)
    # The classes, and with several labels per clip also their combinations.
    combinations = {each: n for n, each in enumerate(sorted({e.labels for e in examples}))}
    columns = [
        [
            *each.labels,
            *([num_classes + combinations[each.labels]] if len(each.labels) != 1 else []),
        ]
        for each in examples
    ]
    width = num_classes + len(combinations)
    counts = {
        group: np.bincount([c for i in own for c in columns[i]], minlength=width)
        for group, own in members.items()
    }
    totals = np.maximum(sum(counts.values()), 1)
    order = list(members)
    np.random.default_rng(seed).shuffle(order)
    order.sort(key=lambda group: -len(members[group]))
    names = [name for name in SPLITS if name in shares]
    have = {name: np.zeros(width) for name in names}
    chosen = [""] * len(examples)
    for group in order:
        # The share of each class that a split still lacks, of the classes in this group.
        weight = counts[group] / totals
        lacking = {
            name: float((weight * (shares[name] - have[name] / totals) / shares[name]).sum())
            for name in names
        }
        without = ((counts[group] > 0) & (have[TRAIN] == 0))[:num_classes]
        name = TRAIN if without.any() else max(names, key=lambda each: lacking[each])
        have[name] += counts[group]
        for number in members[group]:
            chosen[number] = name
    return chosen
