"""What records hold, whichever command makes them, and what of an address is in none."""

import json
from importlib.resources import files

import jsonschema
import pytest
from command import SAMPLES
from range_server import serving

from vswin_cli.cli.app import run

SECRET = "0p3n-s3sam3"
SCHEMA = json.loads(files("vswin_cli.formats").joinpath("record.schema.json").read_text())


@pytest.fixture
def command(cache, tmp_path, monkeypatch, capfd):
    """Run a command line in this process, in an empty folder: its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"VSWIN_CACHE": cache, "VSWIN_OFFLINE": "1", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, str(value))

    def finished(*arguments):
        code = run([*map(str, arguments)])
        return code, *capfd.readouterr()

    return finished


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


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
