"""Features and lists of paths: no more is read than there is."""

import struct
import zipfile

import numpy as np
import pytest

from vswin_cli.errors import UsageError
from vswin_cli.features.files import open_features
from vswin_cli.runs.videos import Selection, find_videos


def test_features_that_claim_more_than_there_is_are_not_read(tmp_path):
    path = tmp_path / "theirs.npz"
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 768), }"
    with zipfile.ZipFile(path, "w") as archive:
        text = header.encode().ljust(117) + b"\n"
        archive.writestr("features.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text)
    with pytest.raises(UsageError, match="not what it says"):
        open_features(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("features.npy", bytes(10**7))
    with pytest.raises(UsageError, match="compressed more"):
        open_features(path)
    np.savez(path, features=np.array([{}], object))
    with pytest.raises(UsageError):
        open_features(path)


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
