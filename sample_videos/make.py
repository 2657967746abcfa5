"""Make the sample videos beside this file: `python sample_videos/make.py`. Needs PyAV."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from scenery import Scene, coast, town, valley

WIDTH, HEIGHT, RATE = 640, 360, 24


@dataclass(frozen=True)
class Shot:
    """A camera's way from one pose to another over a painted scene."""

    name: str
    scene: Callable[[], Scene]
    start: tuple[float, float]  # what the middle of the frame shows, scene pixels
    stop: tuple[float, float]
    zoom: tuple[float, float] = (0.8, 0.8)  # frame pixels a scene pixel, from and to
    roll: tuple[float, float] = (0, 0)  # degrees clockwise as the operator sees it
    seconds: float = 3


SHOTS = (
    Shot("static", coast, (850, 620), (850, 620)),
    Shot("pan_left", coast, (1100, 600), (620, 600)),
    Shot("pan_right", valley, (620, 660), (1140, 660), seconds=3.5),
    Shot("tilt_up", town, (900, 760), (900, 330)),
    Shot("tilt_down", valley, (1000, 330), (1000, 780), seconds=3.5),
    Shot("zoom_in", valley, (880, 650), (880, 620), zoom=(0.62, 1.25)),
    Shot("zoom_out", town, (960, 520), (900, 560), zoom=(1.3, 0.65)),
    Shot("roll_clockwise", coast, (980, 560), (980, 560), roll=(-14, 20)),
    Shot("roll_counterclockwise", town, (880, 560), (880, 560), roll=(16, -20)),
)

TOUR = (  # where the picture goes on from the shot before, there is no cut
    Shot("pan_right", valley, (620, 660), (1060, 660), seconds=4),
    Shot("zoom_in", valley, (1060, 660), (1060, 650), zoom=(0.8, 1.25), seconds=3.5),
    Shot("tilt_up", town, (900, 760), (900, 400), seconds=4),
    Shot("static", town, (900, 400), (900, 400), seconds=3),
    Shot("roll_clockwise", town, (900, 400), (900, 400), roll=(0, 26), seconds=3.5),
    Shot("pan_left", coast, (1100, 600), (640, 600), seconds=4),
    Shot("zoom_out", coast, (640, 600), (700, 580), zoom=(0.8, 0.52), seconds=3),
)


def frames(shot: Shot, *, eases: bool = True) -> list[np.ndarray]:
    """Film a shot, easing a little in and out."""
    scene = shot.scene()
    count = round(shot.seconds * RATE)
    filmed = []
    for number in range(count):
        share = number / (count - 1)
        if eases:
            share = 0.8 * share + 0.2 * (1 - np.cos(np.pi * share)) / 2
        x, y = (np.array(shot.start) + (np.array(shot.stop) - shot.start) * share).tolist()
        zoom = shot.zoom[0] * (shot.zoom[1] / shot.zoom[0]) ** share
        roll = shot.roll[0] + (shot.roll[1] - shot.roll[0]) * share
        # OpenCV turns the picture counterclockwise by positive angles, as a clockwise roll does.
        matrix = cv2.getRotationMatrix2D((x, y), roll, zoom)
        matrix[:, 2] += WIDTH / 2 - x, HEIGHT / 2 - y
        filmed.append(
            cv2.warpAffine(
                scene(number / RATE), matrix, (WIDTH, HEIGHT),
                flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT,
            )
        )  # fmt: skip
    return filmed


def encode(path: Path, filmed: list[np.ndarray]) -> None:
    """Write H.264 in MP4."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in filmed:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def make_tour(folder: Path) -> Path:
    """Make a film of several shots, and the list of what happens when in it."""
    folder.mkdir(exist_ok=True)
    path, filmed, rows = folder / "tour.mp4", [], []
    for shot in TOUR:
        start = len(filmed)
        filmed += frames(shot, eases=False)
        label = shot.name.replace("_", " ")
        rows.append((path.name, label, f"{start / RATE:.3f}", f"{len(filmed) / RATE:.3f}"))
    encode(path, filmed)
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("video", "label", "start", "end"), *rows])
    return path


def main() -> None:
    """Make all nine, and the tour."""
    for shot in SHOTS:
        path = Path(__file__).with_name(f"{shot.name}.mp4")
        encode(path, frames(shot))
        print(path)
    print(make_tour(Path(__file__).with_name("films")))


if __name__ == "__main__":
    main()
