"""Decoders for tests of `vswin label`: real ones, except for files with certain names."""

import ctypes
import os
import time
from pathlib import Path

import numpy as np

from vswin_cli.errors import VideoError
from vswin_cli.runs.worker import decode_views
from vswin_cli.views.views import CroppedFrame, Views


def decode_or_break(path, protocol, reader):
    """Hang, crash, exit or raise if the name of the file says so."""
    name = Path(path).name
    if "hangs" in name:
        ctypes.PyDLL(None).pause()  # holds the interpreter's lock: no other thread of it runs
    if "segfaults" in name:
        ctypes.string_at(0)
    if "exits" in name:
        os._exit(7)
    if "raises" in name:
        raise RuntimeError("a bug")
    if "slow" in name:
        time.sleep(1)
    return decode_views(path, protocol, reader)


def make_up_views(path, protocol, reader):
    """Make large views quickly, without a file."""
    if "bad" in path:
        raise VideoError("bad", kind="empty")
    pixels = np.full((224, 224, 3), len(path), np.uint8)
    clips = np.arange(32)[np.newaxis].repeat(protocol.num_clips, axis=0)
    return Views(32, clips, {i: CroppedFrame(pixels.copy(), ((0, 0),), 224) for i in range(32)})


def decode_or_fill(path, protocol, reader):
    """Use too much memory if the name of the file says so, otherwise make views up."""
    if "fills" in path:
        return [bytearray(50_000_000) for _ in range(100)]
    return make_up_views(path, protocol, reader)
