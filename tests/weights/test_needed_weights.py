"""The weights that predict needs: found, checked, downloaded, or unavailable."""

import io

import h5py
import pytest
from misbehaving_server import answering, serving
from reference import write_checkpoint

from vswin_cli.cli.app import run
from vswin_cli.cli.progress import fetch_shown
from vswin_cli.errors import CheckpointError, DownloadError, WeightsNotFoundError
from vswin_cli.system.files import file_sha256
from vswin_cli.weights.needed import find_or_fetch
from vswin_cli.weights.pins import read_record
from vswin_cli.zoo.catalog import find_model

TINY = find_model("swin-t-k400")


def needed(mirror=None, offline=False):
    return find_or_fetch(TINY, cache_dir=None, mirror=mirror, offline=offline, fetch=fetch_shown())


@pytest.mark.slow
def test_predict_downloads_what_it_needs_once(tiny, tiny_server, capfd):
    assert needed(tiny_server.mirror) == tiny.path
    out, err = capfd.readouterr()
    assert out == ""
    assert err == f"swin-t-k400: downloading {tiny.published.name} (113 MB)\n"
    assert needed(tiny_server.mirror) == tiny.path
    assert len(tiny_server.requests) == 1
    assert capfd.readouterr().err == ""


def _flipped(content):
    changed = bytearray(content)
    changed[60_000_000] ^= 1
    return bytes(changed)


def _with_a_nan(content):
    stream = io.BytesIO(content)
    with h5py.File(stream, "r+") as file:
        file["layers/dense/vars/1"][7] = float("nan")
    return stream.getvalue()


DAMAGES = {
    "truncated": lambda content: content[:50_000_000],
    "not finite": _with_a_nan,
    "flipped": _flipped,
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_predict_keeps_a_damaged_file_aside_and_fetches_it_again(tiny, tiny_server, capfd, damage):
    if damage == "flipped":  # only the record shows it
        needed(tiny_server.mirror)
    tiny.folder.mkdir(exist_ok=True)
    bad = DAMAGES[damage](tiny_server.content)
    tiny.path.write_bytes(bad)
    assert needed(tiny_server.mirror) == tiny.path
    assert tiny.path.read_bytes() == tiny_server.content
    assert tiny.corrupt_path.read_bytes() == bad
    assert f"set aside as {tiny.corrupt_path}" in capfd.readouterr().err


@pytest.mark.parametrize("damage", DAMAGES)
def test_offline_predict_keeps_a_damaged_file_aside_and_names_the_ways_out(here, tiny_file, damage):
    if damage == "flipped":
        needed(offline=True)
    here.path.unlink()  # it may be another name of the common file
    here.path.write_bytes(DAMAGES[damage](tiny_file.read_bytes()))
    with pytest.raises(CheckpointError, match=r"set aside as .*\.corrupt.*--weights FILE"):
        needed(offline=True)
    assert not here.path.exists()
    assert here.corrupt_path.exists()


def test_predict_reads_a_file_that_has_not_changed_only_once(here, monkeypatch):
    assert needed(offline=True) == here.path
    assert read_record(here) == file_sha256(here.path)

    def read(path):
        raise AssertionError(f"{path} is read again")

    monkeypatch.setattr("vswin_cli.weights.verify.file_sha256", read)
    assert needed(offline=True) == here.path


def test_predict_with_the_file_asks_no_mirror(here):
    assert needed("ftp://host/") == here.path
    assert needed("ftp://host/", offline=True) == here.path


def test_predict_takes_a_file_of_another_size_as_it_is(tiny):
    tiny.folder.mkdir()
    write_checkpoint(tiny.path, TINY)
    assert needed(offline=True) == tiny.path


def test_predict_verifies_a_file_whose_sum_is_pinned(here, tmp_path, monkeypatch):
    sums = tmp_path / "SHA256SUMS"
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    sums.write_text(f"{file_sha256(here.path)}  {here.published.name}\n")
    assert needed(offline=True) == here.path
    sums.write_text(f"{'f' * 64}  {here.published.name}\n")
    with pytest.raises(CheckpointError, match=r"set aside.*--weights FILE"):
        needed(offline=True)
    with pytest.raises(WeightsNotFoundError):
        needed(offline=True)


WAYS_OUT = ["--weights FILE", "--mirror URL", "VSWIN_CACHE=FOLDER"]


@pytest.mark.parametrize("setting", ["option", "1", "true"])
def test_offline_predict_names_the_ways_out(tiny, capfd, monkeypatch, setting):
    arguments = ["predict", "clip.mp4", "--model", "swin-t-k400"]
    if setting == "option":
        arguments.append("--offline")
    else:
        monkeypatch.setenv("VSWIN_OFFLINE", setting)
    assert run(arguments) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    for part in [tiny.published.url, str(tiny.folder), *WAYS_OUT]:
        assert part in err


@pytest.mark.parametrize(
    ("failure", "message"),
    [("404", "HTTP 404"), ("noise", "cannot be used"), ("pin", f"{'f' * 64} is pinned")],
)
def test_predict_names_the_ways_out_of_a_failed_download(
    tiny, tiny_server, capfd, tmp_path, monkeypatch, failure, message
):
    server = tiny_server
    if failure == "404":
        server.always = answering(404)
    elif failure == "noise":
        server.always = serving(content=b"x" * len(server.content))
    else:
        (tmp_path / "SHA256SUMS").write_text(f"{'f' * 64}  {tiny.published.name}\n")
        monkeypatch.setenv("VSWIN_SHA256SUMS", str(tmp_path / "SHA256SUMS"))
    options = ["--mirror", server.mirror, "--cache-dir", str(tmp_path / "other")]
    assert run(["predict", "clip.mp4", "--model", "swin-t-k400", *options]) == 1
    _, err = capfd.readouterr()
    assert message in err
    for part in [
        f"{server.mirror}/{tiny.published.name}",
        str(tmp_path / "other"),
        *WAYS_OUT,
    ]:
        assert part in err


def test_predict_refuses_a_file_of_another_size(tiny, server):
    server.always = serving()  # a complete HDF5 file, of another model
    with pytest.raises(DownloadError, match="113,094,608"):
        needed(server.mirror)
    assert not tiny.path.exists()
