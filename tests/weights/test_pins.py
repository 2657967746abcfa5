import os
import subprocess

import pytest

from vswin_cli.errors import UsageError
from vswin_cli.weights.cache import locked
from vswin_cli.weights.pins import (
    demanded_sha256,
    is_as_recorded,
    parse_sha256,
    pinned_sha256,
    read_record,
    record_if_unchanged,
    write_record,
)
from vswin_cli.weights.watch import DownloadWatcher

SUM = "0123456789abcdef" * 4
OTHER = "f" * 64


@pytest.mark.parametrize("text", ["", "12", SUM[:-1], SUM + "0", "x" * 64])
def test_what_is_no_sha256_is_wrong_usage(text):
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        parse_sha256(text)


def test_case_does_not_matter():
    assert parse_sha256(f" {SUM.upper()} ") == SUM


@pytest.mark.parametrize(
    "line",
    [
        f"{SUM}  small_classifier.weights.h5",
        f"{SUM} *small_classifier.weights.h5",
        f"{SUM.upper()}  ./folder/small_classifier.weights.h5",
        f"SHA256 (small_classifier.weights.h5) = {SUM}",
        f"{SUM} small_classifier.weights.h5",
        rf"\{SUM}  C:\\weights\\small_classifier.weights.h5",
        rf"{SUM} *C:\weights\small_classifier.weights.h5",
    ],
)
def test_sums_file_pins_by_name(target, tmp_path, monkeypatch, line):
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"# ours\n\n{OTHER}  another.h5\n{line}\n")
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    assert pinned_sha256(target) == SUM


def test_byte_order_mark_of_a_sums_file_is_no_part_of_a_sum(target, tmp_path, monkeypatch):
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{SUM}  small_classifier.weights.h5\n", encoding="utf-8-sig")
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    assert pinned_sha256(target) == SUM


def test_two_pins_may_not_contradict_each_other(target, tmp_path, monkeypatch):
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{SUM}  small_classifier.weights.h5\n")
    assert demanded_sha256(target, None) is None
    assert demanded_sha256(target, OTHER) == OTHER
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    assert demanded_sha256(target, None) == demanded_sha256(target, SUM) == SUM
    with pytest.raises(UsageError, match="contradicts VSWIN_SHA256SUMS"):
        demanded_sha256(target, OTHER)


def test_file_that_is_not_in_the_sums_is_not_pinned(target, tmp_path, monkeypatch):
    assert pinned_sha256(target) is None
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{OTHER}  another.h5\n")
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    assert pinned_sha256(target) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"\xff\xfe\x00", "not text"),
        (b"<html>", "line 1 is not"),
        (f"{SUM}  small_classifier.weights.h5\n{OTHER}  small_classifier.weights.h5\n".encode(),
         "2 different sums"),
    ],
    ids=["missing", "binary", "html", "contradictory"],
)  # fmt: skip
def test_unusable_sums_file_is_wrong_usage(target, tmp_path, monkeypatch, content, message):
    sums = tmp_path / "SHA256SUMS"
    if content is not None:
        sums.write_bytes(content)
    monkeypatch.setenv("VSWIN_SHA256SUMS", str(sums))
    with pytest.raises(UsageError, match=message):
        pinned_sha256(target)


def test_record_is_read_by_sha256sum(target):
    target.folder.mkdir()
    target.path.write_bytes(b"abc")
    write_record(target, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    subprocess.run(
        ["sha256sum", "--check", "--strict", target.record_path.name], cwd=target.folder, check=True
    )


def test_record_tells_without_reading_whether_a_file_has_changed(target):
    target.folder.mkdir()
    target.path.write_bytes(b"abc")
    assert not is_as_recorded(target)
    write_record(target, SUM)
    assert is_as_recorded(target)
    os.utime(target.path, ns=(0, 1))
    assert not is_as_recorded(target)
    assert [path.name for path in target.all_paths] == [target.path.name, target.record_path.name]


def test_sum_is_not_recorded_for_a_file_that_was_replaced_in_the_meantime(target):
    target.folder.mkdir()
    target.path.write_bytes(b"verified")
    before = target.path.stat()
    assert record_if_unchanged(target, SUM, before)
    replacement = target.folder / "new"
    replacement.write_bytes(b"replaced")
    replacement.replace(target.path)
    assert not record_if_unchanged(target, OTHER, before)
    assert read_record(target) == SUM


def test_sum_is_not_recorded_while_another_process_has_the_file(target):
    target.folder.mkdir()
    target.path.write_bytes(b"abc")
    with locked(target, DownloadWatcher()):
        assert not record_if_unchanged(target, SUM, target.path.stat())
    assert record_if_unchanged(target, SUM, target.path.stat())


def test_record_that_is_damaged_counts_for_nothing(target):
    target.folder.mkdir()
    assert read_record(target) is None
    for content in (b"", b"\xff", b"abc"):
        target.record_path.write_bytes(content)
        assert read_record(target) is None


def test_no_record_where_none_can_be_written(target):
    write_record(target, SUM)  # the folder does not exist
    assert read_record(target) is None
