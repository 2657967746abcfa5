"""Options of `vswin train`."""

from typing import Annotated, Any

import typer

from vswin_cli.cli.options import TRAINING, number_or_auto, option
from vswin_cli.training.options import AugmentName, HowName


def _whole_or_auto(given: str | int) -> int | None:
    text = str(given)
    if text == "auto":
        return None
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is neither auto nor a whole number")
    return int(text)


TRAINING_OPTIONS: dict[str, Any] = {
    "how": Annotated[
        HowName,
        option(
            TRAINING, "--how",
            help="head: fit a head to features. full: train all weights. auto: head for a "
            "large model on a CPU.",
        ),
    ],
    "epochs": Annotated[
        int | None,
        option(
            TRAINING, "--epochs", min=1, metavar="N",
            help="Number of epochs. Default: 30, or 20 for swin-n-motion.",
        ),
    ],
    "batch_size": Annotated[
        int | None,
        option(
            TRAINING, "--batch-size", metavar="N", parser=_whole_or_auto, show_default=False,
            help="Clips per step. auto: as many as fit into half of the memory, at most 8, "
            "or 16 on a GPU. Default: auto.",
        ),
    ],
    "lr": Annotated[
        float | None,
        option(
            TRAINING, "--lr", metavar="RATE", parser=number_or_auto, show_default=False,
            help="Peak learning rate. auto: the architecture's, scaled to the batch size. "
            "Default: auto.",
        ),
    ],
    "backbone_lr": Annotated[
        float | None,
        option(
            TRAINING, "--backbone-lr", min=0.0, metavar="SHARE",
            help="Learning rate of the backbone, as a share of --lr. Default: the "
            "architecture's, 0.1 for published models.",
        ),
    ],
    "weight_decay": Annotated[
        float | None,
        option(
            TRAINING, "--weight-decay", min=0.0, metavar="X",
            help="Weight decay of AdamW, except for biases, norms and position tables. "
            "Default: the architecture's.",
        ),
    ],
    "drop_path": Annotated[
        float | None,
        option(
            TRAINING, "--drop-path", min=0.0, metavar="P",
            help="Drop path rate of the last block; it rises from 0 at the first. Default: the "
            "architecture's.",
        ),
    ],
    "seed": Annotated[
        int, option(TRAINING, "--seed", min=0, metavar="N", help="Random seed.")
    ],
    "augment": Annotated[
        AugmentName,
        option(
            TRAINING, "--augment",
            help="default: crop, flip and recolour. directional: no flip. auto: directional "
            "if the name of a class contains a direction, such as left or clockwise. none: "
            "only the centre crop.",
        ),
    ],
    "multi_label": Annotated[
        bool,
        option(
            TRAINING, "--multi-label",
            help="Allow several labels per video, separated by | or in several rows.",
        ),
    ],
    "label_smoothing": Annotated[
        float,
        option(
            TRAINING, "--label-smoothing", min=0.0, metavar="X",
            help="Label smoothing: share of each target that is spread over all classes.",
        ),
    ],
    "mixup": Annotated[
        float,
        option(
            TRAINING, "--mixup", min=0.0, metavar="ALPHA",
            help="Mixup: parameter of the beta distribution for mixing pairs of clips. 0 "
            "disables it.",
        ),
    ],
    "patience": Annotated[
        int,
        option(
            TRAINING, "--patience", min=1, metavar="N",
            help="Stop after N validations without an improvement.",
        ),
    ],
    "cache_gb": Annotated[
        float,
        option(
            TRAINING, "--cache-gb", min=0.0, metavar="GB",
            help="Disk space for decoded clips during training.",
        ),
    ],
    "save_every": Annotated[
        int,
        option(
            TRAINING, "--save-every", min=1, metavar="STEPS",
            help="Steps between saved states; one is also saved after each epoch.",
        ),
    ],
    "from_scratch": Annotated[
        bool, option(TRAINING, "--from-scratch", help="Start from random weights.")
    ],
}  # fmt: skip
