"""Records of all commands, and the parts of addresses that must not be in them."""

import csv
import json
import shutil
from importlib.resources import files

import jsonschema
import pytest
from command import SAMPLES
from label_clips import write_audio
from range_server import serving

from vswin_cli.results import SCHEMA_VERSION

SECRET = "0p3n-s3sam3"
SCHEMA = json.loads(files("vswin_cli.formats").joinpath("record.schema.json").read_text())


@pytest.fixture
def command(vswin):
    """Run a command line; return its exit code and output."""

    def finished(*arguments, **variables):
        done = vswin(*arguments, **variables)
        return done.returncode, done.stdout, done.stderr

    return finished


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_records_of_every_command_are_as_the_schema_says(command, tmp_path):
    (tmp_path / "empty.mp4").touch()
    pan = SAMPLES / "pan_left.mp4"
    (tmp_path / "truth.csv").write_text("label,youtube_id,time_start,time_end\npan left,pan,1,2\n")
    (tmp_path / "pan.mp4").symlink_to(pan)
    for arguments in (
        ("predict", pan, "empty.mp4", "--format", "jsonl", "-o", "predicted.jsonl"),
        ("label", pan, "empty.mp4", "-o", "labels.jsonl"),
        ("embed", pan, "empty.mp4", "-o", "features.npz", "--model", "swin-n-motion"),
        ("evaluate", "truth.csv", "-o", "evaluated.jsonl"),
    ):
        command(*arguments)
    records = []
    for name in ("predicted", "labels", "features.npz.embedding", "evaluated"):
        records += read(tmp_path / f"{name}.jsonl")
    assert [record["status"] for record in records] == [*["ok", "failed"] * 3, "ok"]
    for record in records:
        jsonschema.validate(record, SCHEMA)
        assert record.keys() <= SCHEMA["properties"].keys()
    for record in records[:1] + records[2:3]:
        assert (record["width"], record["height"], record["frames_per_second"]) == (640, 360, 24)
        assert record["duration_seconds"] == 3.0
        assert record["clip_seconds"][0] == [0.041667, 2.666667]
    segment = records[-1]
    assert segment["video"] == "pan.mp4#t=1,2"
    assert segment["clip_seconds"] == [[1.0, 1.958333]] * 4
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**records[0], "width": "wide"}, SCHEMA)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["argument", "list", "evaluate"])
def test_addresses_are_read_and_their_secrets_told_to_nobody(command, tmp_path, way):
    with serving({"/pan.mp4": (SAMPLES / "pan_left.mp4").read_bytes()}) as server:
        host = server.address.removeprefix("http://")
        addresses = [f"http://me:{SECRET}@{host}/{n}.mp4?token={SECRET}" for n in ("pan", "no")]
        listed = addresses
        if way == "list":
            (tmp_path / "list.txt").write_text("\n".join(addresses))
            listed = ["@list.txt"]
        if way == "evaluate":
            (tmp_path / "truth.csv").write_text(
                f"path,label\n{addresses[0]},pan left\n{addresses[1]},x\n"
            )
            code, out, err = command("evaluate", "truth.csv", "-o", "out.jsonl", "--report", "page")
        else:
            code, out, err = command("label", *listed, "-o", "out.jsonl")
            assert "failed, missing" in err
        named = f"http://{server.address}"
    assert code == 1
    records = read(tmp_path / "out.jsonl")
    assert records[0]["video"] == records[0]["path"] == f"{named}/pan.mp4?…"
    assert records[0]["predictions"][0]["label"] == "pan left"
    (tmp_path / "truth.csv").unlink(missing_ok=True)
    (tmp_path / "list.txt").unlink(missing_ok=True)
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET not in out + err + written


def test_addresses_that_differ_only_in_secrets_are_refused(command):
    code, _, err = command("label", "s3://a/x.mp4?k=1", "s3://a/x.mp4?k=2", "-o", "out.jsonl")
    assert (code, err.count("\n")) == (2, 1)
    assert "s3://a/x.mp4?…" in err


@pytest.mark.slow
def test_standard_output_takes_every_output(command, tmp_path):
    pan = SAMPLES / "pan_left.mp4"
    code, out, err = command("label", pan, "-o", "-")
    assert (code, json.loads(out)["predictions"][0]["label"]) == (0, "pan left")
    assert "labelled  1" in err
    for arguments, start in (
        (("label", pan, "--format", "csv"), "video,path,"),
        (("evaluate", "truth.csv"), '{"video": '),
        (("report", "labels.jsonl", "--no-strips"), "<!DOCTYPE html>"),
        (("predict", pan, "--format", "jsonl"), '{"video": '),
    ):
        (tmp_path / "truth.csv").write_text(f"path,label\n{pan},pan left\n")
        command("label", pan, "-o", "labels.jsonl")
        code, out, _ = command(*arguments, "-o", "-", "-q")
        assert (code, out.startswith(start) or start in out[:60]) == (0, True)
    assert {path.name for path in tmp_path.iterdir()} == {"truth.csv", "labels.jsonl"}


def test_labels_below_a_probability_are_left_out_and_videos_get_sidecars(command, tmp_path):
    video = tmp_path / "pan.mp4"
    video.symlink_to(SAMPLES / "pan_left.mp4")
    options = ("-o", "out.jsonl", "--sidecar", "txt", "--min-probability", "0.5", "-q")
    assert command("label", ".", *options)[0] == 0
    [record] = read(tmp_path / "out.jsonl")
    assert [each["label"] for each in record["predictions"]] == ["pan left"]
    sidecar = tmp_path / "pan.mp4.vswin.txt"
    assert sidecar.read_text() == f"pan left\t{record['predictions'][0]['probability']:.6f}\n"
    sidecar.unlink()
    assert command("label", ".", *options)[0] == 0  # nothing is computed, but the file is written
    assert sidecar.exists()


@pytest.mark.slow
@pytest.mark.parametrize("extension", ["csv", "parquet", "json"])
def test_pages_are_made_in_the_same_run_and_of_tables(command, tmp_path, extension):
    shutil.copy(SAMPLES / "pan_left.mp4", tmp_path / "pan.mp4")
    (tmp_path / "'=1.mp4").touch()
    output = f"out.{extension}"
    code, out, _ = command("label", ".", "-o", output, "--report", "run.html")
    assert (code, out.splitlines()[-1]) == (1, "report: run.html")
    (tmp_path / f"{output}.journal.jsonl").unlink()
    assert command("report", output, "-o", "table")[1] == "table/index.html\n"
    for page in ("run.html", "table/index.html"):
        text = (tmp_path / page).read_text()
        assert "'=1.mp4" in text
        assert "pan left" in text
        assert text.count("data:image/jpeg") == 1
    command("label", ".", "-o", output, "--no-resume", "--report", "run.html", "--no-strips")
    assert "data:image/jpeg" not in (tmp_path / "run.html").read_text()


def test_sound_alone_is_skipped_in_folders_and_fails_where_it_is_named(command, tmp_path):
    (tmp_path / "videos").mkdir()
    write_audio(tmp_path / "videos" / "song.mp4")
    code, out, err = command("label", "videos", "-o", "out.jsonl")
    assert (code, "skipped   1" in out) == (0, True)
    assert "song.mp4: skipped, sound_only" in err
    [record] = read(tmp_path / "out.jsonl")
    assert (record["status"], record["error"]["kind"]) == ("skipped", "sound_only")
    jsonschema.validate(record, SCHEMA)
    command("report", "out.jsonl", "-o", "page.html")
    assert "0: 0 labelled, 0 failed, 1 skipped" in (tmp_path / "page.html").read_text()
    code, out, err = command("timeline", "videos", "-o", "films.jsonl")
    assert (code, "skipped    1" in out, "song.mp4: skipped, sound_only" in err) == (0, True, True)
    code, _, err = command("label", "videos/song.mp4", "-o", "named.jsonl", "-q")
    assert (code, err.startswith("error: videos/song.mp4: sound_only: ")) == (1, True)


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_timelines_are_told_where_labels_are_wanted(command, tmp_path, form):
    command("timeline", SAMPLES / "static.mp4", "-o", f"films.{form}", "-q")
    (tmp_path / f"films.{form}.journal.jsonl").unlink(missing_ok=True)
    for wanted in (["report"], ["sort", "--into", "sorted"]):
        code, out, err = command(wanted[0], f"films.{form}", *wanted[1:])
        assert (code, out) == (2, "")
        assert err.startswith(f"error: films.{form} is an output of `vswin timeline`, which has no")


@pytest.mark.slow
def test_configuration_gives_defaults_that_the_command_line_overrides(command, tmp_path):
    pan = SAMPLES / "pan_left.mp4"
    (tmp_path / "vswin.toml").write_text('top-k = 2\n[predict]\nformat = "json"\nviews = "fast"\n')
    [record] = json.loads(command("predict", pan)[1])
    assert (len(record["predictions"]), record["num_views"]) == (2, 1)
    [record] = json.loads(command("predict", pan, "-k", "3")[1])
    assert len(record["predictions"]) == 3
    shown = json.loads(command("config", "--format", "json", VSWIN_MODEL="x")[1])
    assert {"option": "views", "command": "predict", "value": "fast", "from": "vswin.toml"} in shown
    assert {"option": "VSWIN_MODEL", "command": "", "value": "x", "from": "environment"} in shown
    for content, message in (
        ("topk = 1", "vswin.toml: vswin has no option topk; did you mean top-k?"),
        ("[predict]\nquery = 1", "vswin.toml: `vswin predict` has no option query"),
        ("[lable]\ntop-k = 1", "vswin.toml: vswin has no command lable"),
        ('top-k = "many"', "vswin.toml: Invalid value for '--top-k'"),
        ("quiet = 1", "vswin.toml: quiet must be true or false, not 1"),
        ("top-k = inf", "vswin.toml: top-k must be a number, not"),
        ("top-k = true", "vswin.toml: top-k must be a number, not true"),
        ("model = 2024-01-01", 'vswin.toml: model must be text in quotes, not "2024-01-01"'),
        ('model = ["x"]', "vswin.toml: model takes one value"),
        ("include = [1]", "vswin.toml: include must be text in quotes, not 1"),
        ("report = 5", "vswin.toml: report must be text in quotes, not 5"),
        ("[foo]", "vswin.toml: vswin has no command foo"),
        ("[[label]]", "vswin.toml: write [label]"),
        ("top-k = ", "cannot read the configuration vswin.toml"),
    ):
        (tmp_path / "vswin.toml").write_text(content)
        code, out, err = command("predict", pan)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err
        code, _, err = command("config")
        assert (code, err.count("\n"), message in err) == (2, 1, True)
        assert command("predict", "--help")[0] == command("--help")[0] == 0
    (tmp_path / "vswin.toml").write_text('format = "jsonl"\nmodel = "swin-x"\n')
    assert command("models")[0] == 0
    code, _, err = command("search", "none.npz", "--query", "0", VSWIN_MODEL="swin-x")
    assert (code, "swin-x" in err) == (2, False)


def test_model_of_the_environment_is_the_default(command):
    code, _, err = command("predict", "x.mp4", VSWIN_MODEL="swin-x")
    assert (code, "unknown model 'swin-x'" in err) == (2, True)
    assert command("predict", "--help", VSWIN_MODEL="swin-x")[0] == 0


def test_schema_is_one_and_shared_by_its_version():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"] == {
        "const": SCHEMA_VERSION,
        "description": "Version of this schema.",
    }


@pytest.mark.slow
def test_evaluation_goes_into_a_table_and_a_page_alone(command, tmp_path):
    (tmp_path / "truth.csv").write_text(f"path,label\n{SAMPLES / 'pan_left.mp4'},2\n")
    options = ("-o", "out.csv", "--report", "page.html", "--first-index", "1")
    assert command("evaluate", "truth.csv", *options)[0] == 0
    [row] = csv.DictReader((tmp_path / "out.csv").read_text().splitlines())
    assert (row["true_index"], row["true_label"], row["label_1"]) == ("1", "pan left", "pan left")
    assert "<html" in (tmp_path / "page.html").read_text()
    (tmp_path / "truth.csv").write_text(f"path,label\n{SAMPLES / 'pan_left.mp4'},2\n")
    err = command("evaluate", "truth.csv", "-o", "wrong.jsonl")[2]
    assert "if the annotations count indices from 1, use --first-index 1" in err


def test_custom_models_of_the_cache_are_removed_whole(vswin, tmp_path, small_file):
    cache = tmp_path / "kept"
    made = vswin("convert", small_file, "--name", "mine", "--window", "2,2,2", "-q", cache=cache)
    assert (made.returncode, made.stderr) == (0, "")
    assert len(list((cache / "models").iterdir())) == 2
    assert vswin("weights", "remove", "mine", "--yes", cache=cache).returncode == 0
    assert list((cache / "models").iterdir()) == []


def test_report_that_cannot_be_is_refused_before_anything_is_made(command, tmp_path):
    video = tmp_path / "pan left" / "pan_left.mp4"
    video.parent.mkdir()
    shutil.copy(SAMPLES / "pan_left.mp4", video)
    for name in ("label", "evaluate"):
        for report, message in (("x.jsonl", "is also the --output"), ("c/d/ev", "no folder c/d")):
            code, _, err = command(name, tmp_path, "-o", "x.jsonl", "--report", report)
            assert (code, message in err, err.count("\n")) == (2, True, 1)
            assert [path.name for path in tmp_path.iterdir()] == ["pan left"]
