"""Folders of generated clips, good and broken, for tests of `vswin label`."""

import os
import shutil

import av
import numpy as np
from clips import cut, encode, numbered_frames

HARD_NAMES = [
    b"two words.mp4",
    b'it\'s "quoted".mp4',
    b"two\nlines.mp4",
    "emoji \U0001f3ac.mp4".encode(),
    b"latin caf\xe9.mp4",
    b"comma, semicolon; tab\t.mp4",
    b"<img src=x onerror=alert(1)>.mp4",
    b"100 %d.mp4",
]


def make_tree(folder, num_good):
    """Make nested folders of different short clips."""
    made = []
    sources = [
        encode(folder / f".source{n}.mp4", numbered_frames(20 + n, 48, 64)) for n in (0, 5, 9)
    ]
    for number in range(num_good):
        path = folder / f"part {number % 4}" / f"{number % 3}" / f"clip{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sources[number % 3], path)
        made.append(path)
    return made


def break_in_every_way(folder, good):
    """Make a broken file of each kind; return the kinds by name."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {
        "empty.mp4": "empty",
        "text.mp4": "not_a_video",
        "truncated.mp4": "not_a_video",
        "header.mp4": "not_a_video",
        "audio.mp4": "sound_only",
        "dangling.mp4": "missing",
        "fifo.mp4": "not_a_file",
        "folder.mp4": "not_a_file",
        "hangs.mp4": "timeout",
        "segfaults.mp4": "crashed",
        "exits.mp4": "crashed",
        "raises.mp4": "unreadable",
    }
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no video\n" * 100)
    cut(shutil.copy(good, folder / "truncated.mp4"), 0.4)
    (folder / "header.mp4").write_bytes(good.read_bytes()[:32])
    write_audio(folder / "audio.mp4")
    (folder / "dangling.mp4").symlink_to("nowhere.mp4")
    os.mkfifo(folder / "fifo.mp4")
    (folder / "folder.mp4").mkdir()
    for name in ("hangs.mp4", "segfaults.mp4", "exits.mp4", "raises.mp4"):
        shutil.copy(good, folder / name)
    if os.geteuid() != 0:
        shutil.copy(good, folder / "secret.mp4").chmod(0)
        (folder / "locked").mkdir(mode=0)
        kinds |= {"secret.mp4": "permission", "locked": "permission"}
    return kinds


def write_audio(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        samples = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
