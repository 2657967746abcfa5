"""Features as NumPy's .npz: one array per column, and one per setting."""

import os
import struct
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from math import prod
from pathlib import Path

import numpy as np

from vswin_cli.features.embeddings import Content
from vswin_cli.features.origin import Origin
from vswin_cli.system.files import open_regular

VIEW_COLUMNS = ("clip", "crop", "weight")
_TEXTS = (
    "format", "model", "weights_sha256", "with_head", "protocol", "backend", "precision", "reader",
    "dtype", "per_view", "num_features",
)  # fmt: skip
_NAMES_A_BLOCK = 4096
_ROWS_A_BLOCK = 8192
MOST_COMPRESSED = 100  # times
_LOCAL_HEADER_BYTES = 30  # of a member of a zip file, before its name and extra field


def write_npz(path: Path, content: Content) -> None:
    """Write a file with a row per video or view; only a block of rows is in memory at a time.

    `features` is (rows, num_features), not compressed, so that it can be mapped into memory;
    `video` contains names as bytes, as in the file system.
    """
    origin, num_rows = content.origin, content.num_rows
    features = origin.row_type["features"]
    with zipfile.ZipFile(path, "w") as file:
        for name, text in origin.to_texts().items():
            _write(file, name, np.dtype(f"<U{max(len(text), 1)}"), (), [np.array(text)])
        blocks = (rows["features"] for rows in content.blocks())
        _write(file, "features", features.base, (num_rows, *features.shape), blocks)
        names = np.dtype(f"S{max(content.longest_name, 1)}")
        _write(file, "video", names, (num_rows,), _name_blocks(content), zipfile.ZIP_DEFLATED)
        for column in VIEW_COLUMNS if origin.per_view else ():
            numbers = (rows[column] for rows in content.blocks())
            _write(file, column, np.dtype("<i4"), (num_rows,), numbers)


class NpzFile:
    """A features file; see `files.FeaturesFile`.

    Raises:
        ValueError, OSError: It is not one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            _check_members(path)
            with open_regular(path) as stream, np.load(stream, allow_pickle=False) as arrays:
                self._names = set(arrays.files)
                texts = {name: str(arrays[name]) for name in _TEXTS if name in self._names}
        except (zipfile.BadZipFile, EOFError, AttributeError) as exc:
            raise ValueError("it is not an .npz file, or it is damaged") from exc
        self.origin = Origin.from_texts(texts)
        self._features = self._map()
        if self._features.ndim != 2 or self._features.shape[1] != self.origin.num_features:
            raise ValueError(f"its features have the shape {self._features.shape}")
        self.num_rows = len(self._features)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the features, some rows at a time."""
        for start in range(0, self.num_rows, _ROWS_A_BLOCK):
            yield np.array(self._features[start : start + _ROWS_A_BLOCK])

    def matrix(self) -> np.ndarray:
        """All features."""
        return self._features

    def videos(self, rows: Sequence[int]) -> list[str]:
        """Return the video names of some rows."""
        return [os.fsdecode(name) for name in self._video[np.asarray(rows, np.int64)].tolist()]

    def rows_of(self, video: str) -> list[int]:
        """Find the rows of a video."""
        found: list[int] = np.flatnonzero(self._video == os.fsencode(video)).tolist()
        return found

    def views(self, rows: Sequence[int]) -> np.ndarray:
        """Return clip, crop and weight of some rows."""
        with np.load(self._path) as arrays:
            columns = [arrays[column][np.asarray(rows, np.int64)] for column in VIEW_COLUMNS]
        return np.stack(columns, axis=1)

    @cached_property
    def _video(self) -> np.ndarray:
        with np.load(self._path) as arrays:
            names: np.ndarray = arrays["video"]
        return names

    def _map(self) -> np.ndarray:
        """Map the features into memory; if another program has compressed them, read them."""
        if "features" not in self._names:
            raise ValueError("it has no features")
        with zipfile.ZipFile(self._path) as file:
            member = file.getinfo("features.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            with np.load(self._path) as arrays:
                features: np.ndarray = arrays["features"]
            return features
        with self._path.open("rb") as stream:
            stream.seek(member.header_offset)
            header = stream.read(_LOCAL_HEADER_BYTES)
            num_name, num_extra = struct.unpack("<HH", header[-4:])
            stream.seek(num_name + num_extra, os.SEEK_CUR)
            version = np.lib.format.read_magic(stream)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, is_fortran, dtype = read(stream)
            if is_fortran or dtype.kind != "f":
                raise ValueError("its features are not rows of numbers")
            if not prod(shape):
                return np.zeros(shape, dtype)
            return np.memmap(self._path, dtype, "r", stream.tell(), shape)


def _name_blocks(content: Content) -> Iterable[list[bytes]]:
    names = content.names()
    while block := list(islice(names, _NAMES_A_BLOCK)):
        yield block


def _write(
    file: zipfile.ZipFile,
    name: str,
    dtype: np.dtype[np.generic],
    shape: tuple[int, ...],
    blocks: Iterable[np.ndarray | list[bytes]],
    compression: int = zipfile.ZIP_STORED,
) -> None:
    """Write one array, block by block."""
    member = zipfile.ZipInfo(f"{name}.npy")
    member.compress_type = compression
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    with file.open(member, "w", force_zip64=True) as stream:
        np.lib.format.write_array_header_2_0(stream, header)
        for block in blocks:
            stream.write(np.ascontiguousarray(block, dtype).tobytes())


def _check_members(path: Path) -> None:
    """Check, before reading, that the file is as long as its headers state.

    Raises:
        ValueError: It does not, or is not an .npz file of numbers and text.
    """
    most = MOST_COMPRESSED * path.stat().st_size
    with open_regular(path) as stream, zipfile.ZipFile(stream) as file:
        if sum(member.file_size for member in file.infolist()) > most:
            raise ValueError("it is compressed more than features can be")
        for member in file.infolist():
            with file.open(member) as array:
                version = np.lib.format.read_magic(array)
                if version == (1, 0):
                    shape, _, dtype = np.lib.format.read_array_header_1_0(array)
                else:
                    shape, _, dtype = np.lib.format.read_array_header_2_0(array)
                if (
                    dtype.hasobject
                    or prod(shape) * dtype.itemsize != member.file_size - array.tell()
                ):
                    raise ValueError(f"the header of {member.filename} in it is wrong")
