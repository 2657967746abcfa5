"""Checkpoints to convert are data: nothing is executed, and memory is limited."""

import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
from foreign import MAGIC_NUMBER, SMALL, Calling, Global, View, original, save_legacy, save_zip

from vswin_cli.conversion.checkpoint_file import open_checkpoint

VALUES = np.arange(12, dtype=np.float32)


def weight(path):
    with open_checkpoint(path) as tree:
        return tree["state_dict"]["weight"].floats()


class Attack:
    """Pickles itself as a call of the system's shell."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("save", [save_zip, save_legacy])
def test_malicious_pickle_does_nothing_and_its_tensors_are_read(tmp_path, save):
    mark = tmp_path / "executed"
    tree = {
        "first": Attack(mark),
        "state_dict": OrderedDict(weight=VALUES),
        "builtins": Calling(Global("builtins", "exec"), f"open({str(mark)!r}, 'w')"),
        "chained": Calling(
            Global("builtins", "getattr"), Global("os", "system"), "__call__", state={"a": 1}
        ),
    }
    path = save(tmp_path / "evil.pth", tree)
    np.testing.assert_array_equal(weight(path), VALUES)
    assert not mark.exists()


def test_attack_of_that_test_works_where_pickles_are_trusted(tmp_path):
    mark = tmp_path / "executed"
    pickle.loads(pickle.dumps(Attack(mark)))
    assert mark.exists()


@pytest.mark.parametrize("save", [save_zip, save_legacy])
def test_pickle_cannot_change_this_program(tmp_path, save):
    """BUILD would set attributes of the object on the stack."""
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    changed = Calling(rebuild, None, 0, (), (), state=(None, {"__defaults__": (1,), "x": 2}))
    path = save(tmp_path / "evil.pth", {"a": changed, "state_dict": {"weight": VALUES}})
    np.testing.assert_array_equal(weight(path), VALUES)


MEGABYTES = 600  # of address space beyond what the libraries take; small files need a tenth
CONVERT = """
import resource, sys
from pathlib import Path
from vswin_cli.conversion.matching import find_model_in
from vswin_cli.errors import VswinError
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv[1]) * 2**20,) * 2)
for path in map(Path, sys.argv[2:]):
    try:
        with find_model_in(path) as found:
            print("converted", path)
    except VswinError as error:
        print(error)
"""
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
STORAGE = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ"
ORDERED_DICT = b"ccollections\nOrderedDict\n"
LEGACY = b"".join(pickle.dumps(part, 2) for part in (MAGIC_NUMBER, 1001, {"little_endian": True}))
COLLIDING = 2**61 - 1  # Python's hash is equal for its multiples
DOUBLED = b"N" + 40 * b"2\x86"  # a pair of pairs of pairs ...


def keyed(*keys):
    """Make a pickled dictionary of tensors, all from one number in one storage."""
    entries = []
    for key in keys:
        storage = b"h\x01" if entries else STORAGE + b"q\x01"
        tensor = TENSOR + b"(" + storage + b"K\0(K\x01t(K\x01t\x89NtR"
        entries.append(b"X" + struct.pack("<I", len(key)) + key.encode() + tensor)
    return b"}(" + b"".join(entries) + b"u"


def pickles():
    """Make the contents of pickles, by description."""
    return {
        "bytearray of 3.2 GB": b"\x96" + struct.pack("<Q", 3_200_000_000),
        "bytes of 2**62": b"\x8e" + struct.pack("<Q", 2**62),
        "text of 2**62": b"\x8d" + struct.pack("<Q", 2**62),
        "integer of 2 GB": b"\x8b" + struct.pack("<i", 2**31 - 1),
        "memo of 2**26": b"}r" + struct.pack("<I", 2**26),
        "shape that doubles": b"}K\0" + TENSOR + b"(" + STORAGE + b"K\0" + DOUBLED + b")tRs",
        "storage key that doubles": STORAGE.replace(b"X\x01\0\0\x000", DOUBLED),
        "storage size that doubles": STORAGE.replace(b"K\x01t", DOUBLED + b"t"),
        "key that doubles": b"}" + DOUBLED + b"Ns",
        "key of a million pairs": b"}N" + 10**6 * b"\x85" + b"Ns",
        "frozensets that double": b"(K\1\x91" + 60 * b"q\0(h\0(h\0K\1\x91\x91",
        "lists in lists": 10**5 * b"]" + (10**5 - 1) * b"a",
        "integers of one hash": b"}("
        + b"".join(
            b"\x8a\x08" + struct.pack("<q", i * (2**61 - 1) % 2**63) + b"N" for i in range(10**5)
        )
        + b"u",
        "memo of one hash": b"N" + b"".join(b"p%d\n" % (i * COLLIDING) for i in range(10**5)),
        "copies of a long list": b"]q\0("
        + 10**4 * b"X\x01\0\0\0aN\x86"
        + b"eh\0\x85q\x010"
        + 10**4 * (ORDERED_DICT + b"h\x01R0")
        + b"N",
        "shapes of a long list": b"]q\0("
        + 10**5 * b"K\0"
        + b"e0"
        + 10**4 * (TENSOR + b"(" + STORAGE + b"K\0h\0h\0tR0")
        + b"N",
        "long names again and again": b"X"
        + struct.pack("<I", 4 * 10**6)
        + 4 * 10**6 * b"a"
        + b"q\0"
        + 10**5 * b"h\0h\0\x930"
        + b"N",
        "20,000 models": keyed(*(f"m{i}.patch_embed.proj.weight" for i in range(20_000))),
        "blocks that are not there": keyed(
            "patch_embed.proj.weight",
            "layers.0.blocks.0.x",
            *(f"layers.{i}.blocks.999.x" for i in range(100)),
            *(f"layers.0.blocks.0.{i}" for i in range(999)),
        ),
    }


def save_pickle(path, content):
    """Write a file of `torch.save` with a handwritten pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\4" + content + b".")
        archive.writestr("archive/data/0", bytes(4))


def save_header(path, header):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)


def save_overlapping_zip(path):
    """Write a zip whose entries are all the whole file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\4}.")
        for number in range(1000):
            archive.writestr(f"archive/data/{number}", b"")
        for entry in archive.infolist():
            entry.compress_size = entry.file_size = 10**5


def endless_files(folder):
    """Make files of a few MB that would fill the memory or never end."""
    for name, content in pickles().items():
        save_pickle(folder / f"{name}.pth", content)
        (folder / f"{name}.old").write_bytes(LEGACY + b"\x80\4" + content + b".\x80\4].")
    shape = {"w": {"dtype": "F32", "shape": [2**62] * 10**5, "data_offsets": [0, 4]}}
    save_header(folder / "product.safetensors", shape)
    save_header(folder / "deep.safetensors", b'{"a":' + b"[" * 10**6 + b"]" * 10**6 + b"}")
    save_header(folder / "digits.safetensors", b'{"a":' + b"9" * 10**6 + b"}")
    (folder / "length.safetensors").write_bytes(struct.pack("<Q", 99_000_000) + b'{"a":0}')
    save_overlapping_zip(folder / "overlapping.pth")
    shared = np.zeros(4 * 10**5, np.float32)
    views = {
        key: values if "index" in key else View(shared, 0, values.shape, (0,) * values.ndim)
        for key, values in original(replace(SMALL, embed_dim=192)).items()
    }
    save_zip(folder / "views of one storage.pth", views)
    return sorted(folder.iterdir())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_small_checkpoint_neither_fills_the_memory_nor_runs_for_ever(tmp_path):
    files = endless_files(tmp_path)
    command = [sys.executable, "-c", CONVERT, str(MEGABYTES), *files]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr[-2000:]
    lines = ran.stdout.splitlines()
    assert len(lines) == len(files)
    for path, line in zip(files, lines, strict=True):
        assert line.startswith("cannot ")
        assert str(path) in line
        assert "MemoryError" not in line, line
