"""A model's answers on test clips, and their accuracy."""

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
from vswin_cli.engines.base import Engine
from vswin_cli.results import Prediction
from vswin_cli.views.sampling import clip_indices
from vswin_cli.views.views import Views, crop
from vswin_cli.zoo.models import SWIN_N_MOTION

TEST_SEED = 60_000

_PHOTOGRAPHS = {
    "sklearn": "datasets/images/china.jpg datasets/images/flower.jpg",
    "matplotlib": "mpl-data/sample_data/grace_hopper.jpg",
    "skimage": "data/astronaut.png data/brick.png data/camera.png data/chelsea.png data/coffee.png"
    " data/grass.png data/gravel.png data/hubble_deep_field.jpg data/motorcycle_left.png"
    " data/rocket.jpg",
}


@dataclass(frozen=True)
class Answer:
    """A model's answer for one clip."""

    clip: str  # description of the clip
    label: int
    speed: float  # of the named motion, in the unit of the clip's maker
    probabilities: np.ndarray  # (num_classes,)

    @property
    def is_right(self) -> bool:
        """Whether the most probable class is the true one."""
        return int(self.probabilities.argmax()) == self.label


def judge_synthetic(engine: Engine, count: int, seed: int = TEST_SEED) -> Iterator[Answer]:
    """Label synthetic videos of 48 to 120 frames, over textures that are not in training."""
    classifier, protocol = _classifier(engine), SWIN_N_MOTION.protocol
    rng, pool = np.random.default_rng(seed), PicturePool(picture=heldout.picture)
    for number in range(count):
        num_frames = int(rng.integers(48, 121))
        clips = clip_indices(num_frames, protocol)
        indices = np.unique(clips)
        video = render(rng, number % len(LABELS), pool, indices=indices)
        cropped = (crop(frame, protocol) for frame in video.frames)
        views = Views(num_frames, clips, dict(zip(indices.tolist(), cropped, strict=True)))
        moved = " ".join(f"{value:+.2f}" for value in video.motion)
        probabilities = _probabilities(classifier.predict("", views, 0.0))
        speed = float(np.abs(video.motion).max())
        yield Answer(f"{moved}, {num_frames} frames", video.label, speed, probabilities)


def judge_footage(
    engine: Engine, pictures: dict[str, np.ndarray], count: int, seed: int = TEST_SEED
) -> Iterator[Answer]:
    """Label encoded videos over pictures, read from files."""
    classifier = _classifier(engine)
    rng = np.random.default_rng(seed)
    names = cycle(sorted(pictures))
    with TemporaryDirectory() as folder:
        for number in range(count):
            shot = draw_shot(rng, number % len(LABELS), number)
            name = next(names)
            path = film(Path(folder), shot, pictures[name])
            probabilities = _probabilities(classifier.classify(str(path)))
            path.unlink()
            moved = " ".join(f"{value:+.2f}" for value in shot.motion)
            yield Answer(
                f"{Path(name).name} {shot.name} {moved}",
                shot.label,
                max(map(abs, shot.motion)),
                probabilities,
            )


def _classifier(engine: Engine) -> Classifier:
    return Classifier(
        SWIN_N_MOTION, engine, SWIN_N_MOTION.protocol, reader="auto", top_k=len(LABELS)
    )


def _probabilities(prediction: Prediction) -> np.ndarray:
    probabilities = np.zeros(len(LABELS))
    for scored in prediction.scored_labels:
        probabilities[scored.index] = scored.probability
    return probabilities


def photographs() -> dict[str, np.ndarray]:
    """Return the photographs in scikit-learn, matplotlib and scikit-image, uint8 RGB by name."""
    return {
        file: cv2.cvtColor(cv2.imread(str(_folder(package) / file)), cv2.COLOR_BGR2RGB)
        for package, files in _PHOTOGRAPHS.items()
        for file in files.split()
    }


def _folder(package: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} brings photographs for the test; install vswin[test]")
    return Path(spec.origin).parent


def confusion(answers: list[Answer]) -> np.ndarray:
    """Count answers by (true class, predicted class)."""
    counts = np.zeros((len(LABELS), len(LABELS)), int)
    for answer in answers:
        counts[answer.label, answer.probabilities.argmax()] += 1
    return counts


def accuracy(answers: list[Answer]) -> float:
    """Share of right answers."""
    return sum(answer.is_right for answer in answers) / len(answers)
