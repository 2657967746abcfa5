"""Options of a training, with all their defaults and the recipes for each model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Literal, get_args

from vswin_cli.errors import UsageError
from vswin_cli.zoo.architectures import Architecture

HowName = Literal["auto", "head", "full"]
AugmentName = Literal["auto", "default", "directional", "none"]
Augment = Literal["default", "directional", "none"]

_LEAST = {
    "epochs": 1, "batch_size": 1, "backbone_lr": 0, "weight_decay": 0, "seed": 0, "mixup": 0,
    "patience": 1, "cache_gb": 0, "save_every": 1,
}  # fmt: skip
_FOR_HEADS = {"how", "seed", "multi_label", "label_smoothing"}  # other options need `full`
_WHOLE = ("epochs", "batch_size", "seed", "patience", "save_every")
_REAL = (
    "lr", "backbone_lr", "weight_decay", "drop_path", "label_smoothing", "mixup", "cache_gb",
)  # fmt: skip
RECIPE_BATCH = 64  # clips per step that the published learning rates assume
VALIDATION_COST = 0.1  # largest share of the training time
_DIRECTIONS = re.compile(
    r"(left|right)(wards?|most|hand(ed)?)?|(up|down|in|out)(wards?)?|(for|back)wards?"
    r"|(north|south)?(east|west)(wards?|bound)?|(north|south)(wards?|bound)?"
    r"|(counter|anti)?clockwise|c?cw|into|towards?|away|l|r|ltr|rtl"
    # German and Dutch, French, Italian, Portuguese, Spanish, Polish, Russian
    r"|(links|rechts)(om|herum)?|(gegen)?uhrzeigersinn|gauche|droite|(anti)?horaire"
    r"|sinistra|destra|(anti)?orario|esquerd[ao]|direit[ao]|(anti)?hor[aá]rio"
    r"|izquierd[ao]|derech[ao]|lew[oaą]|praw[oaą]|(в|на)?(лево|право)"
)
_SIDES = ("left", "right"), ("links", "rechts"), ("gauche", "droite")  # within a longer word
_WORD = re.compile(r"[^\W\d_]+")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CLOCKWISE = re.compile(r"(clock)[-_ ](wise)", re.IGNORECASE)
_SIGNS = re.compile("[左右]|顺时针|順時針|逆时针|逆時針|時計回り")


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a training; None is the value in the recipe of the architecture.

    Attributes:
        how: `head` fits a head to the features of the unchanged backbone; `full` trains all
            weights; `auto` is `head` for a large model on a CPU.
        epochs: Number of epochs.
        batch_size: Clips per step; None is as many as fit into memory, at most 8, or 16 on a GPU.
        lr: Peak learning rate of the head, for any batch size; None is the recipe's, scaled to the
            batch size.
        backbone_lr: Learning rate of the backbone, as a share of the head's.
        weight_decay: Weight decay of AdamW, except for biases, norms and bias tables.
        drop_path: Drop path rate of the last block; it rises from 0 at the first.
        seed: Random seed of the split, the order, the augmentation and the first head.
        augment: `default` crops, flips and recolours; `directional` never flips; `none` does
            nothing; `auto` is one of the first two by the names of the classes.
        multi_label: Whether a video may have several labels.
        label_smoothing: Share of each target that is spread over all classes.
        mixup: Parameter of the beta distribution for mixing pairs of clips; 0 disables it.
        patience: Validations without improvement before an early stop.
        cache_gb: Disk space for decoded clips during training, in GB.
        save_every: Steps between saved states, from which `--resume` continues.
        from_scratch: Start from random weights instead of the model's.
    """

    how: HowName = "auto"
    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    backbone_lr: float | None = None
    weight_decay: float | None = None
    drop_path: float | None = None
    seed: int = 0
    augment: AugmentName = "auto"
    multi_label: bool = False
    label_smoothing: float = 0.0
    mixup: float = 0.0
    patience: int = 5
    cache_gb: float = 8.0
    save_every: int = 100
    from_scratch: bool = False

    def __post_init__(self) -> None:
        for names, kind, what in ((_WHOLE, Integral, "a whole number"), (_REAL, Real, "a number")):
            for name in names:
                value = getattr(self, name)
                if value is not None and not isinstance(value, kind):
                    raise UsageError(f"--{name.replace('_', '-')} {value!r} is not {what}")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise UsageError(f"--{name.replace('_', '-')} {value} must be at least {least}")
        for name, names in (("how", get_args(HowName)), ("augment", get_args(AugmentName))):
            if getattr(self, name) not in names:
                raise UsageError(
                    f"--{name} {getattr(self, name)} must be one of {', '.join(names)}"
                )
        if self.lr is not None and not 0 < self.lr < 10:
            raise UsageError(f"--lr {self.lr} is not between 0 and 10")
        for name, share in (
            ("drop-path", self.drop_path),
            ("label-smoothing", self.label_smoothing),
        ):
            if share is not None and not 0 <= share < 1:
                raise UsageError(f"--{name} {share} must be at least 0 and less than 1")

    def given_for_full(self) -> list[str]:
        """Names of options that are given, but have no effect on a head."""
        return [
            each.name
            for each in fields(self)
            if each.name not in _FOR_HEADS and getattr(self, each.name) != each.default
        ]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        lr: Peak learning rate of the head, for batches of `RECIPE_BATCH`.
        backbone_lr: Learning rate of the backbone, as a share of it.
        weight_decay: Weight decay of AdamW.
        drop_path: Drop path rate of the last block.
        epochs: Number of epochs.
        warmup: Share of the steps in which the rate rises.
        beta_2: Parameter of AdamW: how long it remembers the size of gradients.
    """

    lr: float
    backbone_lr: float
    weight_decay: float
    drop_path: float
    epochs: int
    warmup: float
    beta_2: float = 0.999


# The first is from this project; the others are from the published configurations for Kinetics-400
# and, for base, Something-Something v2. Their rates are for the head; the backbone has a tenth.
_RECIPES = {
    "nano": Recipe(2.4e-3, 1.0, 0.02, 0.0, 20, 0.1, 0.98),
    "tiny": Recipe(1e-3, 0.1, 0.02, 0.1, 30, 2.5 / 30),
    "small": Recipe(1e-3, 0.1, 0.02, 0.2, 30, 2.5 / 30),
    "base": Recipe(3e-4, 0.1, 0.05, 0.3, 30, 2.5 / 30),
    "large": Recipe(3e-4, 0.1, 0.05, 0.4, 30, 2.5 / 30),
}
_NAMES = {64: "nano", 96: "tiny", 128: "base", 192: "large"}  # by embed_dim


def recipe_for(architecture: Architecture) -> Recipe:
    """Choose a recipe by width, then depth; a custom architecture gets the nearest one."""
    nearest = min(_NAMES, key=lambda dim: abs(dim - architecture.embed_dim))
    name = _NAMES[nearest]
    return _RECIPES["small" if name == "tiny" and sum(architecture.depths) > 12 else name]


def direction_in(labels: Sequence[str]) -> tuple[str, str] | None:
    """Find a class whose name contains a direction; return its name and the word."""
    names = {label.lower() for label in labels}
    for label in labels:
        text = _CLOCKWISE.sub(r"\1\2", _HUMPS.sub(" ", label))
        for word in map(str.lower, _WORD.findall(text)):
            if _DIRECTIONS.fullmatch(word):
                return label, word
            if sign := _SIGNS.search(word):
                return label, sign[0]
        for one, other in _SIDES:  # as turnleft and turnright
            if one in label.lower() and label.lower().replace(one, other) in names:
                return label, one
    return None
