"""What `torch.save` has written since PyTorch 1.6: a zip of a pickle and one entry a storage."""

from functools import lru_cache
from typing import Any
from zipfile import ZipFile

from vswin_cli.conversion.pickled import Unpickler
from vswin_cli.conversion.stored import Storage
from vswin_cli.errors import CheckpointError

PICKLE = "data.pkl"


def read_torch_zip(archive: ZipFile, pickle_entry: str) -> object:
    """Read the pickled object; the tensors in it are read when they are asked for.

    Args:
        archive: Stays open as long as tensors are read.
        pickle_entry: Its entry that ends in `data.pkl`.

    Raises:
        CheckpointError: A storage that the pickle names is not there.
        Exception: Whatever a damaged zip or pickle raises.
    """
    folder = pickle_entry.removesuffix(PICKLE)
    names = set(archive.namelist())
    byteorder = f"{folder}byteorder"
    is_big_endian = byteorder in names and archive.read(byteorder) == b"big"

    @lru_cache(maxsize=1)  # tensors that share a storage often follow each other
    def read(entry: str) -> bytes:
        try:
            return archive.read(entry)
        except Exception as exc:  # zipfile raises what zlib, struct and the system do
            raise CheckpointError(f"{entry} of the zip is damaged ({exc})") from exc

    def storage_of(pid: tuple[Any, ...]) -> Storage:
        _, storage_type, key, _, num_elements = pid[:5]
        entry = f"{folder}data/{key}"
        if entry not in names:
            raise CheckpointError(f"the zip has no {entry}")
        storage = Storage(storage_type.dtype, num_elements, lambda: read(entry), is_big_endian)
        if archive.getinfo(entry).file_size != storage.num_bytes:
            raise CheckpointError(f"{entry} of the zip is not of {storage.num_bytes} bytes")
        return storage

    with archive.open(pickle_entry) as stream:
        return Unpickler(stream, storage_of).load()  # type: ignore[arg-type]  # IO[bytes]
