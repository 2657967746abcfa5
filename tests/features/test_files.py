"""Rows during a run, and the files made from them."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.features.embeddings import Embeddings
from vswin_cli.features.files import features_output, open_features
from vswin_cli.features.origin import Origin
from vswin_cli.features.task import EmbedTask, LabelAndEmbedTask
from vswin_cli.results import Prediction, Setup
from vswin_cli.runs.journal import Journal
from vswin_cli.runs.open_files import all_checked
from vswin_cli.runs.options import RunOptions
from vswin_cli.runs.records import video_record
from vswin_cli.runs.videos import Found
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
NAMES = [b"plain.mp4", "emoji \U0001f3ac.mp4".encode(), b"latin caf\xe9.mp4", b"two\nlines.mp4"]


def prediction(video):
    setup = Setup("swin-t-k400", "official", "openvino", "float32")
    return Prediction(video, setup, 100, ((0,),), 3, 3, 3, (), 0.1)


def rows(origin, number, count=1):
    made = np.zeros(count, origin.row_type)
    made["features"] = np.random.default_rng(number).standard_normal((count, 16))
    if origin.per_view:
        made["clip"], made["crop"], made["weight"] = np.arange(count), number, 4
    return made


def keep(embeddings, found, made):
    record = video_record(found, prediction(found.video), embeddings.origin.settings)
    embeddings.journal.append(record | embeddings.keep(found.video, made))


def fill(path, origin, names, count=1):
    found = [Found(os.fsdecode(name), os.fsdecode(name), 10, 20) for name in names]
    output = features_output(path)
    task = EmbedTask(None, None, origin, output)
    with output.opened() as journal, task.opened(journal, options=RunOptions()):
        for number, video in enumerate(found):
            keep(task._embeddings, video, rows(origin, number, count))
        task.finish(output, journal, sorted(found, key=lambda video: video.video))


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("per_view", [False, True])
def test_files_give_back_what_was_stored(tmp_path, suffix, dtype, per_view):
    origin = replace(ORIGIN, dtype=dtype, per_view=per_view)
    count = 3 if per_view else 1
    fill(tmp_path / f"f{suffix}", origin, NAMES, count)
    file = open_features(tmp_path / f"f{suffix}")
    assert file.origin == origin
    assert file.num_rows == len(NAMES) * count
    names = [os.fsencode(video) for video in file.videos(range(file.num_rows))]
    assert names == [name for name in sorted(NAMES) for _ in range(count)]
    expected = [rows(origin, NAMES.index(name), count) for name in sorted(NAMES)]
    expected = np.concatenate(expected)
    np.testing.assert_array_equal(file.matrix(), expected["features"])
    np.testing.assert_array_equal(np.concatenate(list(file.blocks())), expected["features"])
    assert file.matrix().dtype == dtype
    latin = os.fsdecode(NAMES[2])
    assert [file.videos([row]) for row in file.rows_of(latin)] == [[latin]] * count
    assert file.rows_of("none.mp4") == []
    if per_view:
        places = np.stack([expected["clip"], expected["crop"], expected["weight"]], axis=1)
        np.testing.assert_array_equal(file.views(range(len(expected))), places)


def test_npz_and_parquet_open_in_numpy_and_pyarrow_alone(tmp_path):
    import pyarrow.parquet as pq

    for suffix in (".npz", ".parquet"):
        fill(tmp_path / f"f{suffix}", ORIGIN, NAMES)
    with np.load(tmp_path / "f.npz") as arrays:
        assert arrays["video"].tolist() == sorted(NAMES)
        assert str(arrays["model"]) == "swin-t-k400"
        assert str(arrays["weights_sha256"]) == "0" * 64
        features = arrays["features"]
    table = pq.read_table(tmp_path / "f.parquet")
    assert table.column("video_bytes").to_pylist() == sorted(NAMES)
    assert "latin caf\\xe9.mp4" in table.column("video").to_pylist()
    assert table.schema.metadata[b"model"] == b"swin-t-k400"
    np.testing.assert_array_equal(np.array(table.column("features").to_pylist()), features)


@contextmanager
def open_embeddings(folder, origin=ORIGIN):
    with (
        closing(Journal(folder / "journal")) as journal,
        closing(Embeddings(journal, folder / "rows", origin, resume=True)) as embeddings,
    ):
        yield embeddings


def test_what_a_power_cut_tears_off_is_computed_again(tmp_path):
    found = [Found(name, name, 10, 20) for name in "abc"]
    with open_embeddings(tmp_path) as embeddings:
        for number, video in enumerate(found):
            keep(embeddings, video, rows(ORIGIN, number))
        embeddings.keep("d", rows(ORIGIN, 3))  # no line
    whole = (tmp_path / "rows").read_bytes()
    (tmp_path / "rows").write_bytes(whole[: -ORIGIN.row_type.itemsize - 10])  # cuts into c
    with open_embeddings(tmp_path) as embeddings:
        assert embeddings.lost == {"c"}
        keep(embeddings, found[2], rows(ORIGIN, 2))
        content = np.concatenate(list(embeddings.content(["a", "b", "c"]).blocks()))
        expected = np.concatenate([rows(ORIGIN, number) for number in range(3)])
        np.testing.assert_array_equal(content, expected)


@pytest.mark.parametrize("place", [1, 40, 4095])
def test_one_flipped_byte_of_the_header_costs_no_features(tmp_path, place):
    with open_embeddings(tmp_path) as embeddings:
        keep(embeddings, Found("a", "a", 10, 20), rows(ORIGIN, 0))
    whole = (tmp_path / "rows").read_bytes()
    (tmp_path / "rows").write_bytes(whole[:place] + b"\x80" + whole[place + 1 :])
    with open_embeddings(tmp_path) as embeddings:
        assert embeddings.lost == set()
    assert (tmp_path / "rows").read_bytes() == whole


def test_features_of_other_settings_are_refused(tmp_path):
    with open_embeddings(tmp_path):
        pass
    with (
        pytest.raises(UsageError, match=r"different settings: weights 0+ → 1+;"),
        open_embeddings(tmp_path, replace(ORIGIN, weights_sha256="1" * 64)),
    ):
        pass
    (tmp_path / "rows").write_text("my notes")
    with pytest.raises(UsageError, match="not a features file"), open_embeddings(tmp_path):
        pass


def test_rows_that_are_removed_are_told_at_once_and_kept(tmp_path):
    with open_embeddings(tmp_path) as embeddings:
        embeddings.keep("a", rows(ORIGIN, 0))
        whole = (tmp_path / "rows").read_bytes()
        (tmp_path / "rows").unlink()
        with pytest.raises(OutputError, match="removed or replaced"):
            embeddings.keep("b", rows(ORIGIN, 1))
    [kept] = tmp_path.glob("rows.rescued-*")
    assert kept.read_bytes().startswith(whole)


def test_damaged_lines_of_the_features_are_told_where_labels_come_of_the_same_pass(tmp_path):
    fill(tmp_path / "f.npz", ORIGIN, NAMES)
    journal = tmp_path / "f.npz.embedding.jsonl"
    first, *others = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([first[:40] + b"\xff" + first[41:], *others]))
    task = LabelAndEmbedTask(None, None, ORIGIN, features_output(tmp_path / "f.npz"), settings={})
    with (
        closing(Journal(tmp_path / "labels.jsonl")) as labels,
        task.opened(labels, options=RunOptions()),
    ):
        pass
    [warning] = task.warnings
    assert warning.startswith(f"1 line of {journal} moved to {journal}.damaged: not valid records")


def test_journal_and_rows_that_go_together_are_both_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "gone"
    folder.mkdir()

    def lose(embeddings):
        keep(embeddings, Found("a", "a", 10, 20), rows(ORIGIN, 0))
        with all_checked(*embeddings.checks):
            shutil.rmtree(folder)
            embeddings.journal.append(embeddings.journal.record("a"))

    with open_embeddings(folder) as embeddings, pytest.raises(OutputError) as told:
        lose(embeddings)
    kept = re.findall(r"are in (\S+): put", str(told.value))
    for path, name in zip(kept, ("journal", "rows"), strict=True):
        Path(path).rename(tmp_path / name)
    with open_embeddings(tmp_path) as embeddings:
        assert (list(embeddings.journal.entries), embeddings.lost) == (["a"], set())


def test_rows_that_something_else_cuts_or_writes_to_are_not_relied_on(tmp_path):
    with open_embeddings(tmp_path) as embeddings:
        keep(embeddings, Found("a", "a", 10, 20), rows(ORIGIN, 0))
        with (tmp_path / "rows").open("r+b") as file:
            file.seek(-4, os.SEEK_END)
            file.write(b"none")
        with pytest.raises(OutputError, match="changed by another program"):
            list(embeddings.content(["a"]).blocks())
        os.truncate(tmp_path / "rows", 10)
        with pytest.raises(OutputError, match="changed by another program"):
            embeddings.keep("b", rows(ORIGIN, 1))


def test_rows_are_of_one_run_whatever_they_are_called(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with open_embeddings(tmp_path):
        (other / "rows").hardlink_to(tmp_path / "rows")
        with pytest.raises(UsageError, match="another run"), open_embeddings(other):
            pass
    (other / "rows").unlink()
    os.mkfifo(other / "rows")
    with pytest.raises(OutputError, match="not a file"), open_embeddings(other):
        pass


def test_rows_that_the_journal_puts_nowhere_are_lost(tmp_path):
    with open_embeddings(tmp_path) as embeddings:
        keep(embeddings, Found("a", "a", 10, 20), rows(ORIGIN, 0))
        record = embeddings.journal.record("a")
        for video, span in (("b", [2**62, 2**62, 1]), ("c", [0, 2**40, 1]), ("d", [1])):
            embeddings.journal.append({**record, "video": video, "features": span})
    with open_embeddings(tmp_path) as embeddings:
        assert embeddings.lost == {"b", "c", "d"}


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 no zip", b"PAR1 no parquet PAR1"])
@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_other_files_are_refused(tmp_path, content, suffix):
    path = tmp_path / f"f{suffix}"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot read"):
        open_features(path)


def test_npz_of_somebody_else_is_refused_and_executes_nothing(tmp_path):
    np.savez(tmp_path / "other.npz", features=np.zeros((2, 3)))
    with pytest.raises(UsageError, match="format"):
        open_features(tmp_path / "other.npz")
    np.savez(tmp_path / "pickled.npz", format=np.array([print], dtype=object))
    with pytest.raises(UsageError, match="cannot read"):
        open_features(tmp_path / "pickled.npz")


SEARCH = """
import sys
from pathlib import Path
from vswin_cli.features.files import open_features
from vswin_cli.features.neighbours import nearest
file = open_features(Path(sys.argv[1]))
def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
before = peak()
[best] = nearest(file.matrix()[0] if sys.argv[2] == "map" else next(file.blocks())[0],
                 file.blocks(), 1, without=[0])
print(best.row, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "how"), [(".npz", "map"), (".parquet", "blocks")])
def test_search_takes_no_more_memory_than_the_file(tmp_path, suffix, how):
    origin = replace(ORIGIN, per_view=True, num_features=16)
    path = tmp_path / f"f{suffix}"
    fill(path, origin, [b"%d" % number for number in range(100)], 10_000)
    finished = subprocess.run(
        [sys.executable, "-c", SEARCH, path, how], capture_output=True, text=True
    )
    assert finished.stderr == ""
    row, peak_bytes = map(int, finished.stdout.split())
    assert 0 < row < 1_000_000
    assert peak_bytes < path.stat().st_size + 30e6


def test_origin_survives_being_written(tmp_path):
    texts = json.loads(json.dumps(ORIGIN.to_texts()))
    assert Origin.from_texts(texts) == ORIGIN
    for missing in ORIGIN.to_texts():
        with pytest.raises(ValueError, match=r"missing|format"):
            Origin.from_texts({k: v for k, v in texts.items() if k != missing})
