"""The model card, written from what was measured."""

from motion.camera import SLOWEST
from motion.judging import TEST_SEED, Answer, accuracy, confusion
from motion.motions import LABELS
from vswin_cli.zoo.models import SWIN_N_MOTION

_SHORT = dict(
    zip(LABELS, ("static", "pan L", "pan R", "tilt U", "tilt D", "in", "out", "cw", "ccw"),
        strict=True)
)  # fmt: skip

_CARD = """# swin-n-motion

Written by `python tools/evaluate_motion.py --card docs/swin-n-motion.md`; do not edit by hand.

A small Video Swin Transformer that says how the camera moved: {labels}. It comes with the package
({parameters:.2f} million parameters, {megabytes:.1f} MB) and is the default of `--model`.

The names are film people's, of the camera and not of the picture: it pans left, the picture moves
right; it tilts up, the picture moves down; it zooms in, the picture grows; it rolls clockwise, as
its operator sees it, the picture turns counterclockwise. A dolly or a crane that looks the same is
named the same.

## How it was trained
On synthetic clips alone, made as it learned: dead leaves, noise, gradients, letters, buildings and
strokes, seen by a virtual camera with sub-pixel motion, from {slowest:.1%} of the picture's short
side in 64 frames to three times that side. Besides the motion, there are hand tremor, secondary
motions of up to 0.4 times the named one's, near layers that move faster, objects of up to a third
of the picture, flicker, exposure drift, blur, grain, captions, letterboxes, JPEG and H.264
compression, repeated frames, aliasing, and videos so short that the protocol starts them over. No
photograph, no footage.

Slow motions, static clips and nuisances are more frequent than in the test, where errors are.

These weights: 8,500 steps of 32 clips with two blocks in the second stage (seed 0), then 13,400
with four (seed 3), the new ones beginning as nothing; twice, at 6,000 and 7,400, when
the learning rate had fallen, training went on at a higher one. Six and a half
hours on two shared cores. The clips were not the same throughout. Of the first 8,500 steps, up to
750 they were fainter, slower and more disturbed, up to 2,250 textures without detail were among
them, up to 3,250 every rendered clip was seen in eight versions, and to the end speeds and
nuisances were those of the test; static clips are more since step 1,500 of the others. The weights
are stored with 16 bits per number.

Every rendered clip was seen in four of its sixteen mirrored, transposed and reversed versions,
under the name that each then has. The patch embedding began as pairs of filters in quadrature,
tuned to motion (Adelson and Bergen, 1985), and two more outputs, dropped afterwards, named the
motion's numbers and the flow at every token. `python tools/train_motion.py FOLDER` makes such clips
and trains on them by `vswin train`, without these two aids: it goes on from these weights, and does
not make the same ones.

## How it was tested
Seed {seed}. Videos as `vswin predict` sees them, by the model's own protocol: four clips of 32
frames at interval 2, three crops of 96 pixels each, the mean of the probabilities.
{sections}
## What it is not good for
- Actions, objects, scenes: it looks at motion alone. `--model swin-b-k400` names actions.
- More than one motion: it names the dominant one, and one name for the whole video. Cut long videos
  into shots first.
- Motion slower than about {slowest:.1%} of the picture's short side in 64 frames, or a turn or zoom
  that moves it no more: that is nearly static.
- Pictures with little in them (fog, night, a plain wall), or filled by a moving subject or moving
  water: what moves most of the picture is taken for the camera.
- Telling a zoom from a dolly, or a pan from a truck.
- Pictures of periodic patterns that move by about a period from frame to frame.
"""


def model_card(synthetic: list[Answer], footage: list[Answer]) -> str:
    """Return the card as Markdown."""
    sections = (
        _section(
            "synthetic videos of 48 to 120 frames, over textures that training does not show, with "
            "all nuisances",
            synthetic,
        )
        + "\nWrong by the size of the named motion (mean flow in 64 frames, in short sides): "
        + _by_speed(synthetic)
        + ".\n"
        + _section(
            "video files over photographs of scikit-learn, matplotlib and scikit-image, H.264 and "
            "Motion JPEG, 320×240 to 1920×1080, landscape, portrait and square, 24 to 60 frames a "
            "second, 2 to 4 seconds",
            footage,
        )
    )
    return _CARD.format(
        labels=", ".join(LABELS),
        parameters=SWIN_N_MOTION.num_parameters / 1e6,
        megabytes=SWIN_N_MOTION.weights_path.stat().st_size / 1e6,
        slowest=SLOWEST,
        seed=TEST_SEED,
        sections=sections,
    )


def _section(what: str, answers: list[Answer]) -> str:
    lines = [
        "",
        f"**{100 * accuracy(answers):.1f} %** of {len(answers)} {what}. Rows are true, columns "
        "answered.",
        "",
        "| | " + " | ".join(_SHORT.values()) + " |",
        "|---|" + "---:|" * len(LABELS),
    ]
    lines += [
        f"| {label} | " + " | ".join(str(count) if count else "" for count in row) + " |"
        for label, row in zip(LABELS, confusion(answers).tolist(), strict=True)
    ]
    return "\n".join(lines) + "\n"


def _by_speed(answers: list[Answer]) -> str:
    """Errors in bands of speed; static clips have none."""
    moving = [answer for answer in answers if answer.speed]
    bands = ((0, 0.05), (0.05, 0.2), (0.2, 1), (1, 10))
    parts = []
    for low, high in bands:
        band = [answer for answer in moving if low <= answer.speed < high]
        wrong = sum(not answer.is_right for answer in band)
        parts.append(f"{wrong} of {len(band)} from {low} to {high}")
    return ", ".join(parts)
