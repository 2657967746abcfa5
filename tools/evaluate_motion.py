"""Test weights of `swin-n-motion`: `python tools/evaluate_motion.py [--weights FILE]`."""

import argparse
from pathlib import Path

import numpy as np
from motion.card import model_card
from motion.judging import Answer, accuracy, confusion, judge_footage, judge_synthetic, photographs
from motion.motions import LABELS
from rich.progress import track

from vswin_cli.engines.registry import load_engine
from vswin_cli.zoo.models import SWIN_N_MOTION


def report(title: str, answers: list[Answer]) -> None:
    """Print the accuracy, the confusion matrix and the wrong answers."""
    print(f"\n{title}: {100 * accuracy(answers):.1f} % of {len(answers)}")
    for label, row in zip(LABELS, confusion(answers), strict=True):
        print(f"{label:>22}", *(f"{count:4}" for count in row))
    for answer in answers:
        if not answer.is_right:
            best = int(np.argmax(answer.probabilities))
            print(f"  {LABELS[answer.label]} ({answer.clip}): {LABELS[best]} "
                  f"{answer.probabilities[best]:.2f}")  # fmt: skip


def main() -> None:
    """Test on synthetic clips and on footage over photographs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=SWIN_N_MOTION.weights_path)
    parser.add_argument("--synthetic", type=int, default=900, metavar="CLIPS")
    parser.add_argument("--footage", type=int, default=270, metavar="CLIPS")
    parser.add_argument("--backend", default="openvino")
    parser.add_argument("--card", type=Path, help="write the model card to this file")
    arguments = parser.parse_args()
    engine = load_engine(
        SWIN_N_MOTION, arguments.weights, backend=arguments.backend, precision="float32",
        view_size=SWIN_N_MOTION.protocol.view_size,
    )  # fmt: skip
    synthetic = list(track(judge_synthetic(engine, arguments.synthetic), total=arguments.synthetic))
    footage = list(
        track(judge_footage(engine, photographs(), arguments.footage), total=arguments.footage)
    )
    for title, answers in (("Synthetic clips", synthetic), ("Footage", footage)):
        if answers:
            report(title, answers)
    if arguments.card:
        arguments.card.write_text(model_card(synthetic, footage), encoding="utf-8")


if __name__ == "__main__":
    main()
