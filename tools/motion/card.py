"""The model card, with measured figures."""

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

The names describe the camera, as in film, not the picture. If the camera pans left, the picture
moves right; if it tilts up, the picture moves down; if it zooms in, the picture grows; if it
rolls clockwise, as its operator sees it, the picture turns counterclockwise. A dolly or crane
movement that looks the same gets the same name.

## How it was trained
It was trained only on synthetic clips, which were made during training: dead leaves, noise,
gradients, letters, buildings and strokes, seen by a virtual camera with sub-pixel motion, from
{slowest:.1%} of the picture's short side in 64 frames to three times that side. The clips also
contain hand tremor, secondary motions of up to 0.4 times the named motion, near layers that
move faster, objects of up to a third of the picture, flicker, exposure drift, blur, grain,
captions, letterboxes, JPEG and H.264 compression, repeated frames, aliasing, and videos that
are so short that the protocol repeats them. They contain no photographs and no footage.

Slow motions, static clips and disturbances are more frequent than in the test, because most
errors occur there. The last parts of the training also contain clips of one object of any shape
that moves, turns and changes its size in front of a background that mostly stands still.

These weights come from 8,500 steps of 32 clips with two blocks in the second stage (seed 0),
then 13,400 steps with four blocks (seed 3), where the new blocks started as identity. Twice, at
steps 6,000 and 7,400, the learning rate was raised again after it had fallen. This took six and
a half hours on two shared cores. The clips changed during training. In the first 8,500 steps,
clips were fainter, slower and more disturbed until step 750, textures without detail were
included until step 2,250, each rendered clip was used in eight versions until step 3,250, and
speeds and disturbances were those of the test until the end. In the other steps, there were
more static clips from step 1,500 on.

Two last parts taught the model to see objects too, which makes it a better start for your own
classes of motion: 1,444 steps of 32 clips, 18 of camera motions, two fifths of them slow and
with a large object that moves slowly, and 14 of an object; then 1,900 steps of 34 clips, 14 of
camera motions and 20 of an object. In two thirds of the latter, the background stands still, is
busy and has strong colours, as the object has, which often shows the same texture: these are the
textures above in other colours, stripes, shards, and areas between lines. Additional outputs had
to predict the path, size and place of the object. In each part, the learning rate rose to 0.0005
and fell again, and the weights are the moving average over the steps. The two took 50 minutes and
an hour. The weights are stored with 16 bits per number.

Each rendered clip was used in four of its sixteen mirrored, transposed and reversed versions, in
the last parts in any of them, each with its correct label. The patch embedding started as pairs
of quadrature filters, tuned to motion (Adelson and Bergen, 1985), and two additional outputs,
removed afterwards, predicted the parameters of the motion and the flow at every token.
`python tools/train_motion.py FOLDER` makes clips of camera motion and trains on them with
`vswin train`, without these aids: it continues from these weights, and does not reproduce them.

## How it was tested
Seed {seed}. The videos are labelled as by `vswin predict`, with the model's protocol: four clips
of 32 frames at interval 2, three crops of 96 pixels each, and the mean of the probabilities.
{sections}
## Limits
- Actions, objects and scenes: it sees only motion. `--model swin-b-k400` names actions.
- More than one motion: it gives one name to the whole video, that of the dominant motion. For
  long videos, use `vswin timeline`.
- Motions slower than about {slowest:.1%} of the picture's short side in 64 frames, and turns or
  zooms that move the picture no more than that: they are nearly static.
- Pictures with little content (fog, night, a plain wall), or filled by a moving subject or
  moving water: the motion of most of the picture counts as that of the camera.
- Distinguishing a zoom from a dolly, or a pan from a truck.
- Periodic patterns that move by about one period per frame.
"""


def model_card(synthetic: list[Answer], footage: list[Answer]) -> str:
    """Return the card as Markdown."""
    sections = (
        _section(
            "synthetic videos of 48 to 120 frames, over textures that are not in the training, "
            "with all disturbances",
            synthetic,
        )
        + "\nErrors by the size of the named motion (mean flow in 64 frames, in short sides): "
        + _by_speed(synthetic)
        + ".\n"
        + _section(
            "video files over photographs of scikit-learn, matplotlib and scikit-image, H.264 and "
            "Motion JPEG, 320×240 to 1920×1080, landscape, portrait and square, 24 to 60 frames "
            "per second, 2 to 4 seconds",
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
        f"**{100 * accuracy(answers):.1f} %** of {len(answers)} {what}. Rows are true "
        "classes, columns predicted ones.",
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
    """Make a table of errors in bands of speed, without static clips."""
    moving = [answer for answer in answers if answer.speed]
    bands = ((0, 0.05), (0.05, 0.2), (0.2, 1), (1, 10))
    parts = []
    for low, high in bands:
        band = [answer for answer in moving if low <= answer.speed < high]
        wrong = sum(not answer.is_right for answer in band)
        parts.append(f"{wrong} of {len(band)} from {low} to {high}")
    return ", ".join(parts)
