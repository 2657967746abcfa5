"""`vswin train`, from a folder of clips to a model for other commands, with a tiny network."""

import csv
import json
import os
import shutil
import signal
import subprocess

import numpy as np
import pytest
from clips import encode
from command import VSWIN, surroundings
from models import SMALLEST
from schemas import assert_valid
from waiting import wait_until

from vswin_cli.engines import registry
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.zoo.model_file import read_model_file

FILES = {"model.toml", "model.weights.h5", "split.csv", "metrics.json", "log.csv"}
FILES |= {"index.html", "README.md"}


def clip(path, kind, seed):
    """Make a clip of a class: noise of one colour, with a bar that moves down for `rain`."""
    rng = np.random.default_rng(seed)
    colour = np.array({"sun": (220, 180, 40), "rain": (40, 90, 200), "both": (200, 60, 200)}[kind])
    frames = colour + rng.normal(scale=30, size=(12, 32, 40, 3))
    return encode(path, np.clip(frames, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def videos(made_once):
    """12 clips of rain and 6 of sun, in a folder per class."""

    def write(folder):
        for kind, count in (("rain", 12), ("sun", 6)):
            (folder / kind).mkdir(parents=True)
            for number in range(count):
                clip(folder / kind / f"{number}.mp4", kind, number)

    return made_once("weather", write)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_head_is_fitted_and_every_command_takes_the_folder(vswin, smallest_model, videos, tmp_path):
    for model, size in (("smallest", 2), ("another", 8)):  # begun with less free memory
        (tmp_path / "mine").mkdir(exist_ok=True)
        begun = {"auto_batch": True, "batch_size": 2, "model": model}
        (tmp_path / "mine/training.json").write_text(json.dumps(begun))
        looked = vswin("train", videos, "-o", "mine", "--model", smallest_model, "--dry-run")
        assert f"how: full, 20 epochs of {size} clips per step" in looked.stdout
    run = vswin("train", videos, "-o", "mine", "--model", smallest_model, "--how", "head")
    assert run.returncode == 0, run.stderr
    assert "classes have 4 to 8 clips: weighted to count equally" in run.stdout
    mine = tmp_path / "mine"
    assert {path.name for path in mine.iterdir()} >= FILES
    metrics = json.loads((mine / "metrics.json").read_text())
    assert_valid(metrics, "training")
    assert metrics["accuracy"]["value"] == 1.0
    assert metrics["clips"] == {"train": 12, "validation": 3, "test": 3}
    assert "epochs" not in metrics["settings"]
    assert "strength" in metrics["kept"]
    before = read_checkpoint(smallest_model / "smallest.weights.h5", SMALLEST, 3)
    after = read_checkpoint(mine / "model.weights.h5", SMALLEST, 2)
    changed = [name for name in after if not np.array_equal(after[name], before[name])]
    assert changed == ["head/kernel", "head/bias"]

    again = vswin("train", videos, "-o", "mine", "--model", smallest_model, "--how", "head")
    assert again.returncode == 0
    assert "is already trained" in again.stderr
    assert read_checkpoint(mine / "model.weights.h5", SMALLEST, 2).keys() == after.keys()

    finished = {name: (mine / name).read_bytes() for name in FILES}
    other = ["train", videos, "-o", "mine", "--model", smallest_model, "--how", "head"]
    other += ["--seed", "1"]
    refused = vswin(*other)
    assert refused.returncode == 2
    assert "training run with different settings: seed, clips; use --no-resume" in refused.stderr
    assert vswin(*other, "--dry-run").returncode == 0
    assert {name: (mine / name).read_bytes() for name in FILES} == finished

    clip(tmp_path / "new.mp4", "sun", 99)
    shown = vswin("predict", "new.mp4", "--model", "mine").stdout
    assert shown.index("sun") < shown.index("rain")
    assert vswin("label", "new.mp4", "-o", "l.csv", "--model", "mine/").returncode == 0
    assert vswin("embed", "new.mp4", "-o", "f.npz", "--model", "mine").returncode == 0
    assert vswin("evaluate", videos, "-o", "e.jsonl", "--model", "mine").returncode == 0
    assert vswin("timeline", "new.mp4", "-o", "t.jsonl", "--model", "mine").returncode == 0

    split = (mine / "split.csv").read_bytes()
    refused = vswin("train", "mine/split.csv", "-o", "mine", "--model", smallest_model)
    assert refused.returncode == 2
    assert "is the folder of mine/split.csv" in refused.stderr
    assert (mine / "split.csv").read_bytes() == split
    again = vswin(
        "train", "mine/split.csv", "-o", "again", "--model", smallest_model, "--how", "head"
    )
    assert again.returncode == 0, again.stderr
    assert "no split in" not in again.stdout
    splits = [row["split"] for row in rows_of(mine / "split.csv")]
    assert splits == [row["split"] for row in rows_of(tmp_path / "again/split.csv")]


@pytest.mark.slow
def test_broken_clips_and_doubles_are_listed_before_the_first_step(
    vswin, smallest_model, videos, tmp_path
):
    listed = [f"{videos}/rain/{n}.mp4,rain,train" for n in range(9)]
    listed += [f"{videos}/sun/{n}.mp4,sun,train" for n in range(5)]
    (tmp_path / "double.mp4").write_bytes((videos / "rain/3.mp4").read_bytes())
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    listed += [
        "double.mp4,rain,test", f"{videos}/sun/5.mp4,sun,test", "broken.mp4,sun,train",
        "gone.mp4,sun,train", f"{videos}/rain/11.mp4,rain,holdout",
        f"{videos}/rain/10.mp4,rain,train,0,0.2", f"{videos}/rain/10.mp4,sun,train,50,60",
    ]  # fmt: skip
    (tmp_path / "clips.csv").write_text("path,label,split,start,end\n" + "\n".join(listed) + "\n")
    run = vswin("train", "clips.csv", "-o", "mine", "--model", smallest_model, "--dry-run")
    assert run.returncode == 1
    assert "rain/3.mp4 and double.mp4 show the same, but are in different splits" in run.stderr
    assert "broken.mp4: not_a_video" in run.stderr
    assert "gone.mp4: no file" in run.stderr
    assert "rain/10.mp4#t=50,60: no_segment: its segment begins after its end" in run.stderr
    assert "split 'holdout' must be one of train, validation, test" in run.stderr
    assert "memory: about" in run.stdout
    assert not (tmp_path / "mine/model.toml").exists()


@pytest.mark.slow
def test_several_labels_have_a_sigmoid_in_every_command(vswin, smallest_model, videos, tmp_path):
    listed = [f"{videos}/{kind}/{n}.mp4,{kind}" for kind in ("rain", "sun") for n in range(6)]
    for number in range(6):
        clip(tmp_path / f"{number}.mp4", "both", number)
        listed.append(f"{number}.mp4,rain|sun")
    (tmp_path / "clips.csv").write_text("path,label\n" + "\n".join(listed) + "\n")
    run = vswin(
        "train",
        "clips.csv",
        "-o",
        "mine",
        "--model",
        smallest_model,
        "--how",
        "head",
        "--multi-label",
    )
    assert run.returncode == 0, run.stderr
    assert read_model_file(tmp_path / "mine/model.toml").is_multi_label
    metrics = json.loads((tmp_path / "mine/metrics.json").read_text())
    assert_valid(metrics, "training")
    assert metrics["multi_label"]["mean_average_precision"] == metrics["accuracy"]["value"]
    clip(tmp_path / "new.mp4", "both", 50)
    run = vswin("predict", "new.mp4", "--model", "mine", "--format", "json")
    [record] = json.loads(run.stdout) if run.stdout.startswith("[") else [json.loads(run.stdout)]
    assert sum(each["probability"] for each in record["predictions"]) > 1.2
    assert vswin("export", "mine", "--format", "openvino", "-o", "mine.xml").returncode == 0
    refused = vswin("evaluate", "clips.csv", "-o", "e.jsonl", "--model", "mine")
    assert refused.returncode == 2
    assert "several labels" in refused.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--how", "head", "--from-scratch"], "use --how full"),
        (["--how", "full", "--backend", "openvino"], "cannot train"),
        (["--lr", "fast"], "neither a number nor auto"),
        (["--batch-size", "inf"], "'inf' is neither auto nor a whole number"),
    ],
)
def test_options_that_make_no_sense_are_one_line(vswin, smallest_model, videos, options, message):
    run = vswin("train", videos, "-o", "mine", "--model", smallest_model, *options)
    assert run.returncode == 2
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


def test_missing_backend_is_told_before_files_are_opened(
    vswin, smallest_model, videos, monkeypatch
):
    here = registry.find_spec
    monkeypatch.setattr(
        registry, "find_spec", lambda name: None if name == "tensorflow" else here(name)
    )
    run = vswin("train", videos, "-o", "mine", "--model", smallest_model, "--how", "full")
    assert run.returncode == 1
    assert "run `pip install tensorflow`" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["thesis.txt", "split.csv"])
def test_folder_of_something_else_is_left_alone(name, vswin, smallest_model, videos, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("x")
    run = vswin("train", videos, "-o", "mine", "--model", smallest_model)
    assert run.returncode == 2
    assert "contains other files; choose a new folder" in run.stderr


@pytest.mark.slow
@pytest.mark.keras
def test_killed_at_any_step_it_ends_with_the_same_weights(
    vswin, smallest_model, videos, cache, tmp_path
):
    def train(output):
        return [
            "train", str(videos), "-o", output, "--model", str(smallest_model), "--how", "full",
            "--epochs", "4", "--batch-size", "4", "--save-every", "2", "--threads", "1",
            "--mixup", "0.2", "--drop-path", "0.1", "--patience", "99", "--from-scratch",
        ]  # fmt: skip

    running = subprocess.Popen(
        [VSWIN, *train("killed")],
        cwd=tmp_path,
        env=surroundings(cache),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((tmp_path / "killed/checkpoint/state.npz").exists, seconds=300)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    continued, whole = vswin(*train("killed")), vswin(*train("whole"))
    assert (continued.returncode, whole.returncode) == (0, 0), continued.stderr + whole.stderr
    assert "continues after step" in continued.stderr
    assert "continues after step" not in whole.stderr
    one, other = (
        read_checkpoint(tmp_path / name / "model.weights.h5", SMALLEST, 2)
        for name in ("whole", "killed")
    )
    assert all(np.array_equal(one[name], other[name]) for name in one)
    log = rows_of(tmp_path / "killed/log.csv")
    assert [int(row["epoch"]) for row in log] == list(range(5))

    shutil.rmtree(tmp_path / "whole/features")  # they have the precision, too
    refused = vswin(*train("whole"), "--precision", "bfloat16")
    assert refused.returncode == 2
    assert "training run with different settings: precision; use --no-resume" in refused.stderr
