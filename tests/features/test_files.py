"""The rows while a run lasts, and the files that are made of them."""

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from vswin_cli.errors import UsageError
from vswin_cli.features.embeddings import Embeddings
from vswin_cli.features.files import open_features
from vswin_cli.features.origin import Origin
from vswin_cli.features.target import FeaturesTarget
from vswin_cli.results import Prediction, Setup
from vswin_cli.runs.finding import Found
from vswin_cli.zoo.protocols import KINETICS

ORIGIN = Origin(
    model="swin-t-k400",
    weights_sha256="0" * 64,
    with_top=True,
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


def fill(target, origin, names, count=1):
    with target.locked(), target.opened(origin, resume=True) as embeddings:
        for number, name in enumerate(names):
            found = Found(os.fsdecode(name), os.fsdecode(name), 10, 20)
            record = embeddings.stored(found, prediction(found.video), rows(origin, number, count))
            embeddings.journal.append(record)
        target.finish(embeddings, sorted(os.fsdecode(name) for name in names))


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("per_view", [False, True])
def test_files_give_back_what_was_stored(tmp_path, suffix, dtype, per_view):
    origin = replace(ORIGIN, dtype=dtype, per_view=per_view)
    count = 3 if per_view else 1
    fill(FeaturesTarget(tmp_path / f"f{suffix}", resume=True), origin, NAMES, count)
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
        fill(FeaturesTarget(tmp_path / f"f{suffix}", resume=True), ORIGIN, NAMES)
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


def open_embeddings(folder, origin=ORIGIN):
    return closing(Embeddings(folder / "journal", folder / "rows", origin, resume=True))


def test_what_a_power_cut_tears_off_is_computed_again(tmp_path):
    found = [Found(name, name, 10, 20) for name in "abc"]
    with open_embeddings(tmp_path) as embeddings:
        for number, video in enumerate(found):
            record = embeddings.stored(video, prediction(video.video), rows(ORIGIN, number))
            embeddings.journal.append(record)
        embeddings.stored(Found("d", "d", 10, 20), prediction("d"), rows(ORIGIN, 3))  # no line
    whole = (tmp_path / "rows").read_bytes()
    (tmp_path / "rows").write_bytes(whole[: -ORIGIN.row_type.itemsize - 10])  # cuts into c
    with open_embeddings(tmp_path) as embeddings:
        again = [embeddings.why_again(video, retry_failed=False) for video in found]
        assert again == [None, None, "features damaged"]
        record = embeddings.stored(found[2], prediction("c"), rows(ORIGIN, 2))
        embeddings.journal.append(record)
        content = np.concatenate(list(embeddings.content(["a", "b", "c"]).blocks()))
        expected = np.concatenate([rows(ORIGIN, number) for number in range(3)])
        np.testing.assert_array_equal(content, expected)


def test_features_of_other_settings_are_refused(tmp_path):
    with open_embeddings(tmp_path):
        pass
    with (
        pytest.raises(UsageError, match="another weights_sha256"),
        open_embeddings(tmp_path, replace(ORIGIN, weights_sha256="1" * 64)),
    ):
        pass
    (tmp_path / "rows").write_text("my notes")
    with pytest.raises(UsageError, match="not what a run"), open_embeddings(tmp_path):
        pass


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


@pytest.mark.parametrize(("suffix", "how"), [(".npz", "map"), (".parquet", "blocks")])
def test_search_takes_no_more_memory_than_the_file(tmp_path, suffix, how):
    origin = replace(ORIGIN, per_view=True, num_features=16)
    path = tmp_path / f"f{suffix}"
    fill(
        FeaturesTarget(path, resume=True), origin, [b"%d" % number for number in range(100)], 10_000
    )
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
        if missing != "settings":
            with pytest.raises(ValueError, match=r"missing|format"):
                Origin.from_texts({k: v for k, v in texts.items() if k != missing})
