import random
import shutil

import pytest
from reference import write_checkpoint

from vswin_cli.errors import CheckpointError, WeightsError, WeightsNotFoundError
from vswin_cli.network.checkpoint import check_checkpoint
from vswin_cli.system.files import file_sha256
from vswin_cli.weights.pins import read_record, write_record
from vswin_cli.weights.verify import verify, verify_again
from vswin_cli.weights.watch import DownloadWatcher


@pytest.fixture
def here(target, small_file):
    target.folder.mkdir()
    shutil.copy(small_file, target.path)
    return target


def again(target, pin=None):
    return verify_again(target, pin=pin, watcher=DownloadWatcher()).sha256


def flip(path, at=-1000):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_whole_file_gives_its_sum(here):
    assert again(here) == file_sha256(here.path)


def test_flipped_bit_shows_where_the_sum_was_recorded(here):
    write_record(here, again(here))
    flip(here.path)
    with pytest.raises(CheckpointError, match=r"changed since .* set aside as .*\.corrupt"):
        again(here)
    assert not here.path.exists()
    assert not here.record_path.exists()
    assert here.corrupt_path.exists()


def test_truncated_file_is_kept_aside(here):
    write_record(here, again(here))
    here.path.write_bytes(here.path.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=r"5,000 bytes, the published file has 121,392"):
        again(here)
    assert not here.path.exists()


def test_pinned_sum_must_be_the_files(here):
    assert again(here, pin=file_sha256(here.path))
    with pytest.raises(CheckpointError, match=r"but f{64} is pinned"):
        again(here, pin="f" * 64)
    assert here.corrupt_path.exists()


def test_pin_outranks_the_size_but_not_the_structure(here):
    with here.path.open("ab") as file:
        file.write(b"more")
    assert verify(here, pin=file_sha256(here.path))
    here.path.write_bytes(b"something else")
    with pytest.raises(CheckpointError, match="not an HDF5 file"):
        verify(here, pin=file_sha256(here.path))


def test_whole_checkpoint_of_another_size_fails_but_stays(here):
    with here.path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(CheckpointError, match="stays in place"):
        again(here)
    assert here.path.exists()
    assert read_record(here) is None


def test_file_of_another_model_is_kept_aside(target):
    target.folder.mkdir()
    from dataclasses import replace

    from vswin_cli.zoo.architectures import Architecture

    other = Architecture("other", embed_dim=8, depths=(1, 1), num_heads=(1, 1), window=(2, 2, 2))
    write_checkpoint(target.path, replace(target.model, architecture=other))
    with pytest.raises(CheckpointError, match="published file has"):
        again(target)
    assert target.corrupt_path.exists()


def test_absent_file_is_not_found(target):
    with pytest.raises(WeightsNotFoundError):
        again(target)


def test_file_that_cannot_be_read_is_not_called_damaged(here):
    here.path.unlink()
    here.path.mkdir()
    (here.path / "something").touch()
    with pytest.raises(WeightsError):
        verify(here, pin="f" * 64)


@pytest.mark.slow
def test_damaged_bytes_anywhere_end_in_a_clear_error(target, small_file, tmp_path):
    """For any result of HDF5: no exceptions but ours, and no crash."""
    whole, path, rng = small_file.read_bytes(), tmp_path / "damaged.h5", random.Random(5)
    num_refused = 0
    for _ in range(300):
        content = bytearray(whole)
        start = rng.randrange(len(whole))
        content[start : start + 300] = rng.randbytes(len(content[start : start + 300]))
        path.write_bytes(content)
        try:
            check_checkpoint(path, target.model.architecture, target.num_classes)
        except CheckpointError:
            num_refused += 1
    assert num_refused > 50
