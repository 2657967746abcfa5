"""What files of strangers must not do: open, connect, execute, fill memory, hang, write elsewhere.

Every file that somebody may hand over is tried here, with what has been tried against programs like
this one, but for videos (`video/`), pages (`pages/`) and tables (`formats/`). `SECURITY.md` says
what is promised.
"""

import json
import os
import pickle
import stat
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from dataclasses import replace

import h5py
import numpy as np
import pytest
from foreign import MAGIC_NUMBER, SMALL, Calling, Global, View, original, save_legacy, save_zip
from transferring import assert_whole, get

from vswin_cli.cli.app import run
from vswin_cli.conversion.checkpoint_file import open_checkpoint
from vswin_cli.errors import CheckpointError, DownloadError, ModelFileError, UsageError
from vswin_cli.evaluation.rows import read_rows
from vswin_cli.features.files import open_features
from vswin_cli.network.checkpoint import key_table, read_checkpoint, save_checkpoint
from vswin_cli.runs.videos import Selection, find_videos
from vswin_cli.system.files import temporary_path
from vswin_cli.weights.transfer import ROOM_BYTES
from vswin_cli.zoo.labels import custom_label_set, read_label_file
from vswin_cli.zoo.model_file import model_text, read_model_file
from vswin_cli.zoo.models import CustomModel
from vswin_cli.zoo.protocols import KINETICS

# ------------------------------------------------------------------------------- HDF5 files

VICTIM = "layers/layer_normalization/vars/1"  # of a file without top


@pytest.fixture
def weights(tmp_path):
    """A small whole checkpoint, open for what strangers do to it; its victim is taken out."""
    path = tmp_path / "theirs.weights.h5"
    variables = {key.variable: np.ones(key.shape, np.float32) for key in key_table(SMALL, None)}
    save_checkpoint(path, variables, SMALL, None)
    with h5py.File(path, "r+") as file:
        del file[VICTIM]
    return path


def external(file, victim, other):
    file.create_dataset(victim, (32,), np.float32, external=[(other, 0, 128)])


def virtual(file, victim, other):
    layout = h5py.VirtualLayout((32,), np.float32)
    layout[:] = h5py.VirtualSource(other, "weight", (32,))
    file.create_virtual_dataset(victim, layout)


def endless_virtual(file, victim, other):
    layout = h5py.VirtualLayout((32,), np.float32, maxshape=(None,))
    source = h5py.VirtualSource(other, "weight", (32,), maxshape=(None,))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    file.create_virtual_dataset(victim, layout)


def external_link(file, victim, other):
    file[victim] = h5py.ExternalLink(other, "weight")


def soft_link(file, victim, _other):
    file[victim] = h5py.SoftLink("/layers/layer_normalization/vars/0")


def hard_link(file, victim, _other):
    file[victim] = file["layers/layer_normalization/vars/0"]


def compressed(file, victim, _other):
    file.create_dataset(victim, data=np.zeros(32, np.float32), compression="gzip")


def never_written(file, victim, _other):
    file.create_dataset(victim, (2**30, 2**5), np.float32)


def chunks_never_written(file, victim, _other):
    file.create_dataset(victim, (2**30, 2**5), np.float32, chunks=(2**10, 2**5))


def text(file, victim, _other):
    file[victim] = ["1.0"] * 32


def deep(file, _victim, _other):
    group = file.id
    for _ in range(20_000):
        group = h5py.h5g.create(group, b"g")


def wide(file, _victim, _other):
    for number in range(20_001):
        file.create_group(f"g{number}")


def loop(file, _victim, _other):
    file["layers/loop"] = file["/"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (external, f"{VICTIM} is stored in another file"),
        (virtual, f"{VICTIM} is virtual"),
        (endless_virtual, f"{VICTIM} is virtual"),
        (external_link, f"{VICTIM} is a link to elsewhere"),
        (soft_link, f"{VICTIM} is a link to elsewhere"),
        (hard_link, "is in it twice"),
        (compressed, rf"{VICTIM} is compressed \(gzip\)"),
        (never_written, f"{VICTIM} declares 137,438,953,472 bytes and 0 were written"),
        (chunks_never_written, f"{VICTIM} declares 137,438,953,472 bytes and 0 were written"),
        (text, f"{VICTIM} does not hold numbers"),
        (deep, "nested deeper than"),
        (wide, "more than 20000 groups"),
        (loop, "is in it twice"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.timeout(60)
def test_hdf5_file_holds_its_numbers_itself_or_is_refused_by_name(tmp_path, weights, change, named):
    other = tmp_path / "pipe"
    os.mkfifo(other)  # who opens it waits for ever
    with h5py.File(weights, "r+", libver="latest") as file:
        change(file, VICTIM, str(other))
    with pytest.raises(CheckpointError, match=named):
        read_checkpoint(weights, SMALL, None)
    with pytest.raises(CheckpointError, match=named), open_checkpoint(weights):
        pass


def test_tensor_in_chunks_without_a_filter_is_read(weights):
    with h5py.File(weights, "r+") as file:
        file.create_dataset(VICTIM, data=np.arange(32, dtype=np.float32), chunks=(5,))
    np.testing.assert_array_equal(read_checkpoint(weights, SMALL, None)["norm/beta"], np.arange(32))


# ------------------------------------------------------------------- checkpoints to convert

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
    """BUILD would set attributes of whatever stands on the stack."""
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
COLLIDING = 2**61 - 1  # whose multiples Python's hash does not tell apart
DOUBLED = b"N" + 40 * b"2\x86"  # a pair of pairs of pairs ...


def keyed(*keys):
    """A pickled dictionary of tensors that are all one number of one storage."""
    entries = []
    for key in keys:
        storage = b"h\x01" if entries else STORAGE + b"q\x01"
        tensor = TENSOR + b"(" + storage + b"K\0(K\x01t(K\x01t\x89NtR"
        entries.append(b"X" + struct.pack("<I", len(key)) + key.encode() + tensor)
    return b"}(" + b"".join(entries) + b"u"


PICKLES = {
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
    "20,000 models": keyed(*(f"m{i}.patch_embed.proj.weight" for i in range(20_000))),
    "blocks that are not there": keyed(
        "patch_embed.proj.weight",
        "layers.0.blocks.0.x",
        *(f"layers.{i}.blocks.999.x" for i in range(100)),
        *(f"layers.0.blocks.0.{i}" for i in range(999)),
    ),
}


def save_pickle(path, content):
    """A file of `torch.save` whose pickle is written by hand."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\4" + content + b".")
        archive.writestr("archive/data/0", bytes(4))


def save_header(path, header):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)


def save_overlapping_zip(path):
    """A zip of which each entry is the whole file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\4}.")
        for number in range(1000):
            archive.writestr(f"archive/data/{number}", b"")
        for entry in archive.infolist():
            entry.compress_size = entry.file_size = 10**5


def endless_files(folder):
    """Files of some MB at most; where it is trusted, each fills the memory or never ends."""
    for name, content in PICKLES.items():
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


# --------------------------------------------------------------- the cache that users share


def link(path, victim):
    path.symlink_to(victim)


def dangling_link(path, victim):
    path.symlink_to(victim.with_name("made"))


def second_name(path, victim):
    path.hardlink_to(victim)


def pipe(path, _victim):
    os.mkfifo(path)


def open_to_all(path, _victim):
    path.write_text("another user's, who keeps it open")
    os.chown(path, 65534, 65534)
    path.chmod(0o666)


@pytest.mark.parametrize("plant", [link, dangling_link, second_name, pipe, open_to_all])
@pytest.mark.timeout(60)
def test_nothing_is_written_through_what_others_left_in_the_cache(target, server, tmp_path, plant):
    if plant is open_to_all and os.geteuid() != 0:
        pytest.skip("this test needs the right to be another user")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target.folder.mkdir()
    places = [target.partial_path, target.origin_path, target.record_path]
    for path in [*places, *map(temporary_path, places[1:])]:
        plant(path, victim)
    assert get(target, server)
    assert_whole(target, server)
    assert victim.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "victim"]
    assert target.path.stat().st_uid == os.geteuid()


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o2775, 0o644), (0o750, 0o640)])
def test_files_of_a_cache_are_for_those_who_may_read_its_folder(
    target, server, folder_mode, file_mode
):
    target.folder.mkdir()
    target.folder.chmod(folder_mode)
    before = os.umask(0o077)
    try:
        assert get(target, server)
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.path.stat().st_mode) == file_mode
    assert stat.S_IMODE(target.record_path.stat().st_mode) == file_mode


def endless(handler):
    """Send for ever what begins like a checkpoint."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.send(handler.server.content)
    while not handler.server.released.is_set():
        handler.send(bytes(1 << 20))


@pytest.mark.parametrize("pin", [None, "0" * 64])
@pytest.mark.timeout(60)
def test_server_that_never_ends_is_cut_off(target, server, pin):
    server.always = endless
    with pytest.raises(DownloadError, match="the server sends more than"):
        get(target, server, sha256=pin)
    assert target.partial_path.stat().st_size < 2 * target.published.num_bytes + ROOM_BYTES


def test_pinned_file_of_absurd_size_is_not_begun(target, server):
    def enormous(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**15))
        handler.end_headers()
        handler.send(handler.server.content)

    server.always = enormous
    with pytest.raises(DownloadError, match="more than any file of this model"):
        get(target, server, sha256="0" * 64)


# ----------------------------------------------------------------------- pipes and devices


def _open_checkpoint(path):
    with open_checkpoint(path):
        pass


def _make_report(path):
    assert run(["report", str(path), "--output", str(path.with_name("page.html"))]) == 2
    raise UsageError("not a file: as the command said")


READERS = {
    "weights.h5": lambda path: read_checkpoint(path, SMALL, None),
    "checkpoint.pth": _open_checkpoint,
    "model.toml": read_model_file,
    "labels.txt": read_label_file,
    "annotations.csv": read_rows,
    "list.txt": lambda path: find_videos([f"@{path}"], Selection()),
    "features.npz": open_features,
    "labels.jsonl": _make_report,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.timeout(60)
def test_pipe_or_device_in_place_of_a_file_is_refused_at_once(tmp_path, name, make):
    make(tmp_path / name)
    with pytest.raises((CheckpointError, UsageError), match=r"not a file|no file"):
        READERS[name](tmp_path / name)


# ----------------------------------------------------------------- model files and their labels


@pytest.fixture
def model_file(tmp_path):
    """A good model file of a stranger's."""
    model = CustomModel(
        "theirs",
        SMALL,
        custom_label_set(("a", "b")),
        KINETICS,
        tmp_path / "theirs.toml",
        tmp_path / "theirs.weights.h5",
        "0" * 64,
        True,
    )
    model.path.write_text(model_text(model, origin="theirs.pth"))
    return model.path


@pytest.mark.parametrize("labels", ["/etc/passwd", "../secret.txt", "link.txt"])
def test_labels_of_a_model_file_are_in_its_folder(tmp_path, model_file, labels):
    (tmp_path.parent / "secret.txt").write_text("one\ntwo\n")
    (tmp_path / "link.txt").symlink_to("/etc/passwd")
    listed = 'labels = [\n  "a",\n  "b",\n]'
    text = model_file.read_text()
    assert listed in text
    model_file.write_text(text.replace(listed, f'labels = "{labels}"'))
    with pytest.raises(ModelFileError, match="in another folder"):
        read_model_file(model_file)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("crop_size = 224", "crop_size = 4096", "larger than any view"),
        ("window = [4, 3, 2]", "window = [64, 64, 2]", "more than 4096 tokens"),
        ("num_heads = [1, 2, 4]", "num_heads = [1, 2, 4" + ", 1" * 9**6 + "]", "num_heads"),
    ],
    ids=["view", "window", "stages"],
)
def test_model_file_that_would_fill_the_memory_is_refused(model_file, old, new, fault):
    text = model_file.read_text()
    assert old in text
    model_file.write_text(text.replace(old, new))
    with pytest.raises(ModelFileError, match=fault) as refusal:
        read_model_file(model_file)
    assert len(str(refusal.value)) < 3000


# --------------------------------------------------------------------------- features and lists


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


# ------------------------------------------------------------------------------ the terminal

NASTY = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj.exe"


def assert_harmless(text):
    assert all(character.isprintable() or character in "\n\t" for character in text), repr(text)


def test_reason_of_a_server_cannot_control_the_terminal(server, tmp_path, capsys):
    def refusing(handler):
        handler.send_response(403, "\x1b]0;owned\x07\x1b[2J\x9b31m")
        handler.end_headers()
        handler.hang_up()

    server.always = refusing
    command = ["download-weights", "swin-t-k400", "--mirror", server.mirror]
    assert run([*command, "--cache-dir", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "HTTP 403" in shown.err
    assert_harmless(shown.out + shown.err)


def test_keys_of_a_checkpoint_cannot_control_the_terminal(tmp_path, capsys):
    path = save_zip(tmp_path / f"{NASTY.replace('/', '')}.pth", {NASTY: VALUES})
    assert run(["convert", str(path)]) == 1
    shown = capsys.readouterr()
    assert "holds no Video Swin" in shown.err
    assert_harmless(shown.out + shown.err)


def test_labels_cannot_control_the_terminal(model_file, capsys, monkeypatch):
    text = model_file.read_text()
    model_file.write_text(text.replace('"a",', json.dumps("a\u202eb") + ","))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert run(["labels", str(model_file)]) == 0
    shown = capsys.readouterr()
    assert "202e" in shown.out
    assert_harmless(shown.out + shown.err)
