"""What a model answers on test clips, and how that is counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
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

TEST_SEED = 40_000

_PHOTOGRAPHS = {
    "sklearn": "datasets/images/china.jpg datasets/images/flower.jpg",
    "matplotlib": "mpl-data/sample_data/grace_hopper.jpg",
    "skimage": "data/astronaut.png data/brick.png data/camera.png data/chelsea.png data/coffee.png"
    " data/grass.png data/gravel.png data/hubble_deep_field.jpg data/motorcycle_left.png"
    " data/rocket.jpg",
}


@dataclass(frozen=True)
class Answer:
    """What a model answered on one clip."""

    clip: str  # what it was
    label: int
    speed: float  # of the named motion, in the unit of whoever made the clip
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
        speed = float(np.abs(clip.motion).max())
        yield Answer(moved, clip.label, speed, engine.compute(views).probabilities.mean(0))


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
            yield Answer(
                f"{Path(name).name} {shot.name} {moved}",
                shot.label,
                max(map(abs, shot.motion)),
                probabilities,
            )


def photographs() -> dict[str, np.ndarray]:
    """Photographs that come with scikit-learn, matplotlib and scikit-image, uint8 RGB by name."""
    return {
        file: cv2.cvtColor(cv2.imread(str(_folder(package) / file)), cv2.COLOR_BGR2RGB)
        for package, files in _PHOTOGRAPHS.items()
        for file in files.split()
    }


def _folder(package: str) -> Path:
    """The installed package's own folder; nothing of it is imported."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} brings photographs for the test; install vswin[test]")
    return Path(spec.origin).parent


def confusion(answers: list[Answer]) -> np.ndarray:
    """Count answers (true class, answered class)."""
    counts = np.zeros((len(LABELS), len(LABELS)), int)
    for answer in answers:
        counts[answer.label, answer.probabilities.argmax()] += 1
    return counts


def accuracy(answers: list[Answer]) -> float:
    """Share of right answers."""
    return sum(answer.is_right for answer in answers) / len(answers)
