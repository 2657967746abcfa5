"""H.264 coded field by field, as by cameras and broadcasters, but not by free encoders.

Every macroblock is stored as plain samples (I_PCM), so a few dozen lines make a valid stream.

Source: ITU-T H.264, 7.3 (syntax), Annex B (byte stream).
"""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

REFERENCE, PICTURE, IDR, SEQUENCE_SET, PICTURE_SET = 0x60, 1, 5, 7, 8


def field_coded(path: Path, frames: Iterable[np.ndarray]) -> Path:
    """Write gray RGB frames, with sides that are multiples of 16 and 32, as pairs of fields."""
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            if not number:
                height, width = frame.shape[:2]
                sequence = bits(77, 8) + bits(30, 16) + golomb(0, 4, 0, 4, 1) + bits(0, 1)
                sequence += golomb(width // 16 - 1, height // 32 - 1) + "001" + "00"
                file.write(unit(SEQUENCE_SET, sequence + "1"))
                picture = golomb(0, 0) + "00" + golomb(0, 0, 0) + "000" + golomb(0, 0, 0) + "000"
                file.write(unit(PICTURE_SET, picture + "1"))
            for parity in (0, 1):
                kind = PICTURE if number or parity else IDR
                header = golomb(0, 7, 0) + bits(number, 8) + "1" + bits(parity, 1)
                header += golomb(0) if kind == IDR else ""
                header += bits(2 * number + parity, 8) + ("00" if kind == IDR else "0") + golomb(0)
                file.write(unit(kind, header, macroblocks(frame[parity::2, :, 0])))
    return path


def macroblocks(luma: np.ndarray) -> list[bytes]:
    """Return the samples of each macroblock of a picture (H, W) without colour."""
    rows, columns = luma.shape[0] // 16, luma.shape[1] // 16
    blocks = luma.reshape(rows, 16, columns, 16).swapaxes(1, 2).reshape(-1, 256)
    return [block.tobytes() + b"\x80" * 128 for block in blocks]


def unit(kind: int, header: str, samples: Iterable[bytes] = ()) -> bytes:
    """Make a NAL unit of bits and, as one macroblock each, samples."""
    payload = b""
    for block in samples:
        payload += packed(header + golomb(25)) + block
        header = ""
    payload += packed(header or "1")
    escaped = re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)
    return b"\0\0\0\1" + bytes([REFERENCE | kind]) + escaped


def packed(text: str) -> bytes:
    text += "0" * (-len(text) % 8)
    return bytes(int(text[k : k + 8], 2) for k in range(0, len(text), 8))


def bits(value: int, width: int) -> str:
    return format(value % (1 << width), f"0{width}b")


def golomb(*values: int) -> str:
    return "".join(
        "0" * (len(code) - 1) + code for code in (format(value + 1, "b") for value in values)
    )
