"""Features and lists of paths: reading is limited by the size of the file."""

import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vswin_cli.errors import UsageError
from vswin_cli.features.files import open_features
from vswin_cli.features.origin import Origin
from vswin_cli.formats.record_files import read_records
from vswin_cli.runs.videos import Selection, find_videos
from vswin_cli.zoo.protocols import KINETICS

ORIGIN = Origin(
    model="swin-t-k400",
    weights_sha256="0" * 64,
    with_head=True,
    protocol=KINETICS,
    backend="openvino",
    precision="float32",
    reader="auto",
    dtype="float32",
    per_view=False,
    num_features=16,
)


def test_features_that_claim_more_than_there_is_are_not_read(tmp_path):
    path = tmp_path / "theirs.npz"
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 768), }"
    with zipfile.ZipFile(path, "w") as archive:
        text = header.encode().ljust(117) + b"\n"
        archive.writestr("features.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text)
    with pytest.raises(UsageError, match=r"the header of .* is wrong"):
        open_features(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("features.npy", bytes(10**7))
    with pytest.raises(UsageError, match="compressed more"):
        open_features(path)
    np.savez(path, features=np.array([{}], object))
    with pytest.raises(UsageError):
        open_features(path)


def test_tables_that_hold_far_more_than_they_weigh_are_not_read(tmp_path):
    """In Parquet, a repeated value takes no space, but its column takes unlimited memory."""
    path = tmp_path / "theirs.parquet"
    ends = np.full(10**5, 16, np.int32).cumsum(dtype=np.int32)
    rows = pa.ListArray.from_arrays(np.insert(ends, 0, 0), np.zeros(16 * 10**5, np.float32))
    schema = pa.schema([("features", rows.type)], metadata=ORIGIN.to_texts())
    pq.write_table(pa.table([rows], schema=schema), path, compression="zstd")
    with pytest.raises(UsageError, match="compressed more"):
        open_features(path)
    pq.write_table(pa.table({"video_bytes": np.repeat([b"a"], 10**5)}), path)
    with pytest.raises(UsageError, match="more rows than it has bytes"):
        list(read_records(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_list_of_paths_is_read_as_any_editor_saves_it(tmp_path, encoding, newline):
    lines = ["# the good ones", f"{tmp_path}/a.mp4", "", f"{tmp_path}/ü.mp4"]
    path = tmp_path / "list.txt"
    path.write_bytes(newline.join([*lines, ""]).encode(encoding))
    found = [found.path for found in find_videos([f"@{path}"], Selection())]
    assert found == [f"{tmp_path}/a.mp4", f"{tmp_path}/ü.mp4"]


def test_list_in_utf16_without_a_mark_walks_no_folder(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes("/data/a.mp4\n".encode("utf-16-le"))
    with pytest.raises(UsageError, match="save it as UTF-8"):
        find_videos([f"@{path}"], Selection())
