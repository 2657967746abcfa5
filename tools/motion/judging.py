"""What a model answers on test clips, and how that is counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from motion import heldout
from motion.footage import draw_shot, film
from motion.motions import LABELS
from motion.scenes import PicturePool, render
from vswin_cli.classify import Classifier
from vswin_cli.model.engine import Engine
from vswin_cli.video.views import crop
from vswin_cli.zoo.models import SWIN_N_MOTION

TEST_SEED = 20_000


@dataclass(frozen=True)
class Answer:
    """What a model answered on one clip."""

    clip: str  # what it was
    label: int
    probabilities: np.ndarray  # (num_classes,)

    @property
    def is_right(self) -> bool:
        """Whether the most probable class is the true one."""
        return int(self.probabilities.argmax()) == self.label


def judge_synthetic(engine: Engine, count: int, seed: int = TEST_SEED) -> Iterator[Answer]:
    """Answer synthetic clips of textures that were not trained on, the three crops' mean."""
    rng, pool = np.random.default_rng(seed), PicturePool(picture=heldout.picture)
    for number in range(count):
        clip = render(rng, number % len(LABELS), pool, whole=True)
        cropped = [crop(frame, SWIN_N_MOTION.protocol) for frame in clip.frames]
        views = np.stack([frame.crops for frame in cropped], 1)  # (crops, T, S, S, 3)
        moved = " ".join(f"{value:+.2f}" for value in clip.motion)
        yield Answer(moved, clip.label, engine.probabilities(views).mean(0))


def judge_footage(
    engine: Engine, pictures: dict[str, np.ndarray], count: int, seed: int = TEST_SEED
) -> Iterator[Answer]:
    """Answer encoded videos over pictures, from the file on."""
    classifier = Classifier(
        SWIN_N_MOTION, engine, SWIN_N_MOTION.protocol, reader="auto", top_k=len(LABELS)
    )
    rng = np.random.default_rng(seed)
    names = cycle(sorted(pictures))
    with TemporaryDirectory() as folder:
        for number in range(count):
            shot = draw_shot(rng, number % len(LABELS), number)
            name = next(names)
            path = film(Path(folder), shot, pictures[name])
            prediction = classifier.classify(str(path))
            path.unlink()
            probabilities = np.zeros(len(LABELS))
            for scored in prediction.scored_labels:
                probabilities[scored.index] = scored.probability
            moved = " ".join(f"{value:+.2f}" for value in shot.motion)
            yield Answer(f"{name} {shot.name} {moved}", shot.label, probabilities)


def photographs() -> dict[str, np.ndarray]:
    """Photographs that come with scikit-learn, matplotlib and scikit-image, uint8 RGB by name."""
    import matplotlib  # noqa: PLC0415
    import skimage  # noqa: PLC0415
    import sklearn  # noqa: PLC0415

    folders = {
        Path(sklearn.__file__).parent / "datasets/images": ("china.jpg", "flower.jpg"),
        Path(matplotlib.get_data_path()) / "sample_data": ("grace_hopper.jpg",),
        Path(skimage.__file__).parent / "data": (
            "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "grass.png",
            "gravel.png", "hubble_deep_field.jpg", "motorcycle_left.png", "rocket.jpg",
        ),
    }  # fmt: skip
    return {
        name: cv2.cvtColor(cv2.imread(str(folder / name)), cv2.COLOR_BGR2RGB)
        for folder, names in folders.items()
        for name in names
    }


def confusion(answers: list[Answer]) -> np.ndarray:
    """Count answers (true class, answered class)."""
    counts = np.zeros((len(LABELS), len(LABELS)), int)
    for answer in answers:
        counts[answer.label, answer.probabilities.argmax()] += 1
    return counts


def accuracy(answers: list[Answer]) -> float:
    """Share of right answers."""
    return sum(answer.is_right for answer in answers) / len(answers)
