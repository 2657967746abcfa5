"""Streams: each segment is reported once, as soon as it is final, in bounded memory and time."""

import http.server
import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from clips import as_transport_stream, encode
from command import SAMPLES, VSWIN, surroundings
from film_engine import ANALYST, LABELS, Counting
from rtsp_server import rtsp_server

from vswin_cli.cli.timeline_live import follow_live
from vswin_cli.films.live import LiveFrame, LiveSequence
from vswin_cli.films.sequence import TimedFrame
from vswin_cli.sources.live_names import is_live_name
from vswin_cli.timeline.computing import EngineComputing
from vswin_cli.timeline.formats import timeline_format
from vswin_cli.timeline.live import LiveAnalyst
from vswin_cli.timeline.segments import Cutting
from vswin_cli.zoo.protocols import TORCHVISION

RATE = 25
DATAGRAM_BYTES = 7 * 188


@pytest.fixture(scope="module")
def transport_stream(tmp_path_factory):
    """The tour as a broadcast stream."""
    path = tmp_path_factory.mktemp("stream") / "tour.ts"
    return as_transport_stream(SAMPLES / "films" / "tour.mp4", path)


@pytest.fixture
def free_port():
    """A UDP port that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stream:
    """Frames that arrive, bright or dark, like those of `LiveSequence`."""

    name, num_dropped, waits, warnings = "stream", 0, False, ()

    def __init__(self, levels, lag=lambda number: 0.0, rate=RATE):
        self._levels = levels
        self._lag = lag
        self.rate = rate
        self.num_frames = 0
        self.seconds = 0.0

    def __iter__(self):
        for number, level in enumerate(self._levels):
            self.num_frames, self.seconds = number + 1, (number + 1) / self.rate
            pixels = np.full((96, 96, 3), level + number % 2, np.uint8)
            timed = TimedFrame(number, number / self.rate, self.seconds, pixels)
            yield LiveFrame(timed, time.monotonic() - self._lag(number))


def followed(stream, analyst=ANALYST):
    told = []
    live = LiveAnalyst(
        analyst, EngineComputing(Counting()), lambda s: told.append((s, stream.seconds))
    )
    live.follow(stream)
    return live, told


def test_segments_are_told_once_within_the_stated_delay():
    parts = [(10, 200), (230, 300), (10, 120), (230, 150)]
    live, told = followed(Stream([level for level, count in parts for _ in range(count)]))
    assert [segment.label for segment, _ in told] == ["dark", "bright", "dark", "bright"]
    starts = np.cumsum([0, *(count for _, count in parts)])
    assert [segment.start_frame for segment, _ in told] == starts[:-1].tolist()
    assert [segment.end_frame for segment, _ in told] == starts[1:].tolist()
    for segment, at in told:
        assert at - segment.end_seconds <= live.delay_seconds(RATE)
    assert live.num_skipped < live.num_windows / 10  # on a busy machine


def test_the_last_segment_ends_with_the_stream_if_windows_skip_its_last_frame():
    protocol = TORCHVISION.adapted(num_clips=1, num_crops=1)
    sliding = replace(ANALYST.sliding, protocol=protocol)
    _, [(segment, _)] = followed(Stream([230] * 100), replace(ANALYST, sliding=sliding))
    assert (segment.end_frame, segment.end_seconds) == (100, 4)


def test_minutes_under_one_label_is_one_segment_and_fills_no_memory():
    stream = Stream([10] * 2_500 + [230] * 200)
    told = []
    live = LiveAnalyst(ANALYST, EngineComputing(Counting()), told.append)
    most = 0

    def watching():
        nonlocal most
        for frame in stream:
            most = max(most, len(live._steps), len(live._times) // RATE, len(live._fine))
            yield frame

    class Watched(Stream):
        def __iter__(self):
            self.num_frames = 2_700
            return watching()

    live.follow(Watched([]))
    assert [(s.label, s.start_frame, s.end_frame) for s in told] == [
        ("dark", 0, 2_500), ("bright", 2_500, 2_700),
    ]  # fmt: skip
    assert told[0].probability == pytest.approx(1 - 10.5 / 255, abs=0.01)
    assert most < 300


class Recorded:
    """The frames of a `Stream` as those of a film."""

    duration_seconds = pace_seconds = None
    warnings = ()

    def __init__(self, stream):
        self._stream = stream

    def __iter__(self):
        return (live.frame for live in self._stream)


SLOW_RATE = 10  # for streams of minutes
SURE, UNSURE, NEITHER = 20, 90, 128  # levels at which a frame is dark


@pytest.mark.slow
@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(SURE, 5), (UNSURE, 56), (235, 40)], id="another label follows"),
        pytest.param([(SURE, 5), (UNSURE, 95), (NEITHER, 15), (SURE, 40)], id="it comes again"),
        pytest.param([(SURE, 5), (UNSURE, 95), (235, 10)], id="it becomes unsure"),
        pytest.param([(SURE, 40), (NEITHER, 80), (235, 70)], id="a long time without a label"),
    ],
)
def test_a_stream_has_the_segments_of_the_film(parts, multi):
    levels = [level for level, seconds in parts for _ in range(seconds * SLOW_RATE)]
    stream = Stream(levels, rate=SLOW_RATE)
    analyst = replace(ANALYST, cutting=Cutting(0.8, multi=multi))
    live, told = followed(stream, analyst)
    with EngineComputing(Counting()) as computing:
        film = analyst.timeline("film", Recorded(stream), computing)
    assert [s.label for s, _ in told] == [s.label for s in film.segments]
    for (segment, at), expected in zip(told, film.segments, strict=True):
        assert segment.start_seconds == pytest.approx(expected.start_seconds, abs=0.05)
        assert segment.end_seconds == pytest.approx(expected.end_seconds, abs=0.05)
        assert segment.probability == pytest.approx(expected.probability, abs=0.02)
        assert at - segment.end_seconds <= live.delay_seconds(SLOW_RATE)


def test_a_model_that_is_too_slow_leaves_windows_out_and_not_the_delay_grow():
    stream = Stream([10] * 300 + [230] * 300, lag=lambda number: 2.0 if number % 50 else 0.0)
    live, told = followed(stream)
    assert live.num_skipped > live.num_windows / 2
    assert [segment.label for segment, _ in told] == ["dark", "bright"]
    assert all(at - segment.end_seconds <= live.delay_seconds(RATE) for segment, at in told)


def test_a_file_waits_and_loses_no_window():
    stream = Stream([10] * 100, lag=lambda number: 2.0)
    stream.waits = True
    live, _ = followed(stream)
    assert live.num_skipped == 0


@pytest.mark.slow
def test_a_live_record_has_the_shots_that_its_segments_are_in(vswin, transport_stream, tmp_path):
    shutil.copy(transport_stream, tmp_path / "tour.ts")
    command = ["timeline", "tour.ts", "--live", "--idle", "0.2", "-o", "t.json"]
    finished = vswin(*command)
    assert finished.returncode == 0, finished.stderr
    content = (tmp_path / "t.json").read_bytes()
    [record] = json.loads(content)
    assert [shot["start_frame"] for shot in record["shots"]] == [0, 180, 432]
    assert [shot["end_frame"] for shot in record["shots"]] == [180, 432, 600]
    assert [segment["shot"] for segment in record["segments"]] == [0, 0, 1, 1, 1, 2, 2]
    again = vswin(*command)
    assert again.returncode == 2
    assert "t.json exists, and a stream cannot be continued" in again.stderr
    vswin("timeline", "none.ts", "--live", "--no-resume", "-o", "t.json")
    assert (tmp_path / "t.json").read_bytes() == content


@pytest.mark.slow
def test_a_growing_file_is_followed_to_its_end(vswin, transport_stream, tmp_path):
    content = transport_stream.read_bytes()
    path = tmp_path / "growing.ts"
    path.write_bytes(content[: len(content) // 3])

    def grow():
        with path.open("ab") as file:
            for start in range(len(content) // 3, len(content), 100_000):
                file.write(content[start : min(start + 100_000, len(content))])
                file.flush()
                time.sleep(0.1)

    thread = threading.Thread(target=grow)
    thread.start()
    finished = vswin("timeline", "growing.ts", "--live", "--idle", "1", "-o", "t.csv")
    thread.join()
    assert finished.returncode == 0, finished.stderr
    assert "growing.ts: segments appear within 8." in finished.stderr
    assert "600 frames received, 0.0 % dropped" in finished.stderr
    rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()]
    assert [row[1] for row in rows[1:]] == LABELS


@pytest.mark.slow
def test_damage_in_a_stream_is_told_but_not_that_it_was_joined_midway(
    vswin, transport_stream, tmp_path
):
    content = bytearray(transport_stream.read_bytes())
    packet = 188
    start = len(content) // 10 // packet * packet
    (tmp_path / "joined.ts").write_bytes(content[start:])
    middle = len(content) // 2
    content[middle : middle + 20 * packet] = bytes(20 * packet)
    (tmp_path / "damaged.ts").write_bytes(content)
    for name, is_damaged in (("joined.ts", False), ("damaged.ts", True)):
        command = ["timeline", name, "--live", "--idle", "0.2", "-o", f"{name}.json"]
        finished = vswin(*command)
        assert finished.returncode == 0, finished.stderr
        [record] = json.loads((tmp_path / f"{name}.json").read_bytes())
        assert len(record["warnings"]) == is_damaged
        assert ("warning: damaged.ts: the stream is damaged: " in finished.stderr) == is_damaged


def test_what_ends_before_its_first_frame_is_an_error(vswin, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 240, 320, 3), np.uint8)
    encode(tmp_path / "index at its end.mp4", noise, rate=25)
    name = "index at its end.mp4"
    finished = vswin("timeline", name, "--live", "--idle", "0.2", "-o", "t.csv")
    assert finished.returncode == 1
    assert finished.stderr == (
        f"error: cannot follow {name}: it ended before the first frame; if it is complete, remove "
        "--live; otherwise, raise --idle\n"
    )
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.slow
def test_a_server_is_followed_and_ctrl_c_leaves_the_output_complete(
    transport_stream, cache, tmp_path
):
    class Endless(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            content = bytearray(transport_stream.read_bytes())
            middle = len(content) // 2
            content[middle : middle + 4_000] = bytes(4_000)
            try:
                for start in range(0, len(content), 20_000):
                    self.wfile.write(content[start : start + 20_000])
                    time.sleep(0.05)
                sent.set()
                time.sleep(60)
            except OSError:
                pass

        def log_message(self, *arguments):
            pass

    sent = threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://me:secret@127.0.0.1:{server.server_port}/live.ts"
    process = subprocess.Popen(
        [VSWIN, "timeline", address, "--live", "-o", "t.json"],
        cwd=tmp_path, env=surroundings(cache), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert (
        "live.ts: json is written when the stream ends; Ctrl-C stops" in process.stderr.readline()
    )
    assert sent.wait(60)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=90)[1]
    server.shutdown()
    server.server_close()
    assert process.returncode == 130
    [record] = json.loads((tmp_path / "t.json").read_text())
    assert record["segments"][0]["label"] == "pan right"
    assert any(warning.startswith("the stream is damaged") for warning in record["warnings"])
    assert "secret" not in json.dumps(record) + rest
    assert "frames received" in rest


@pytest.mark.slow
@pytest.mark.parametrize("hangs", [True, False])
def test_an_rtsp_stream_is_followed_until_it_stops(hangs, vswin, transport_stream):
    with rtsp_server(transport_stream, speed=2, stops_after=5, hangs=hangs) as address:
        finished = vswin("timeline", address, "--idle", "1", "--format", "jsonl")
    assert finished.returncode == 0, finished.stderr
    assert "120 frames received, 0.0 % dropped" in finished.stderr
    record = json.loads(finished.stdout)
    assert [segment["label"] for segment in record["segments"]] == LABELS[:1]
    warnings = ["the stream broke off: nothing was received for 1 s"] if hangs else []
    told = [warning for warning in record["warnings"] if "windows left out" not in warning]
    assert told == warnings  # a busy machine may leave windows out
    assert [line for line in finished.stderr.splitlines() if "warning" in line] == [
        f"warning: {address}: {warning}" for warning in record["warnings"]
    ]


class Slow(Counting):
    """An engine that takes seconds for a window."""

    def start(self, views):
        time.sleep(2)
        return super().start(views)


@pytest.mark.slow
def test_frames_that_cannot_be_scaled_are_told(vswin, tmp_path):
    frames = [np.zeros((2000, 4, 3), np.uint8)] * 30
    encode(tmp_path / "x.avi", frames, codec="ffv1", pixel_format="yuv444p")
    finished = vswin("timeline", "x.avi", "--live", "--idle", "0.1", "-q")
    assert finished.returncode == 1
    assert finished.stderr.startswith("error: cannot read x.avi: its frames of 4×2000 are too")
    assert finished.stderr.count("\n") == 1


def test_what_a_slow_model_leaves_out_is_in_the_record(transport_stream, tmp_path, capsys):
    path = tmp_path / "t.json"
    with rtsp_server(transport_stream, speed=1000) as address:
        follow_live(
            address, ANALYST, EngineComputing(Slow()), path, timeline_format("json"),
            idle_seconds=1, quiet=True,
        )  # fmt: skip
    [record] = json.loads(path.read_bytes())
    [warning] = record["warnings"]
    counts = r"(\d+) of (\d+) frames were dropped, and \d+ of \d+ windows left out: "
    dropped, received = map(int, re.match(counts, warning).groups())
    assert 0 < dropped < received == record["num_frames"]
    assert record["frames_per_second"] == pytest.approx(24, rel=0.01)
    assert capsys.readouterr().err == f"warning: {address}: {warning}\n"


def test_a_wrong_path_on_an_rtsp_server_is_told(vswin, transport_stream):
    with rtsp_server(transport_stream) as address:
        finished = vswin("timeline", address.replace("film", "other"))
    assert finished.returncode == 1
    assert f"cannot read {address[:-4]}other: server returned 404 not found" in finished.stderr


@pytest.mark.slow
def test_datagrams_are_followed(vswin, transport_stream, free_port):
    content = transport_stream.read_bytes()
    starts = range(0, len(content) // 5, DATAGRAM_BYTES)

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for start in [*starts] * 3:  # the first ones may be too early
                time.sleep(0.005)
                part = content[start : start + DATAGRAM_BYTES]
                sender.sendto(part, ("127.0.0.1", free_port))

    thread = threading.Timer(0.5, send)
    thread.start()
    finished = vswin("timeline", f"udp://127.0.0.1:{free_port}", "--idle", "2", "--format", "csv")
    thread.join()
    assert finished.returncode == 0, finished.stderr
    assert "pan right" in finished.stdout


def test_an_address_to_which_nobody_sends_is_told(vswin, free_port):
    finished = vswin("timeline", f"udp://127.0.0.1:{free_port}", "--idle", "0.2")
    assert finished.returncode == 1
    assert "nothing was received for 0.2 s; check the address and the source" in finished.stderr


@pytest.mark.parametrize(
    ("name", "live"),
    [
        ("rtsp://camera/1", True), ("udp://127.0.0.1:1", True), ("/dev/video0", True),
        ("https://host/film.mp4", False), ("film.mp4", False), ("/dev/null", True),
    ],
)  # fmt: skip
def test_streams_are_told_by_their_names(name, live):
    assert is_live_name(name) == live


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["rtsp://127.0.0.1:1/x"], 1, "cannot read rtsp://127.0.0.1:1/x: connection refused"),
        (["none.ts", "--live"], 1, "cannot read none.ts: no such file or directory"),
        (
            ["udp://127.0.0.1:1", "udp://127.0.0.1:2"],
            2,
            "only one stream can be followed at a time",
        ),
        (["x.ts", "--live", "--report", "p"], 2, "--report is for films with an end"),
        (["x.ts", "--live", "--probabilities"], 2, "--probabilities is for films with an end"),
        (["https://h/x.M3U8?a=b", "--live"], 1, "playlists (HLS, DASH) name other files"),
        (["s3://bucket/x.ts", "--live"], 1, "its address does not begin with any of rtsp://"),
    ],
)
def test_what_cannot_be_followed_is_told_in_a_line(arguments, code, said, vswin):
    finished = vswin("timeline", *arguments)
    assert finished.returncode == code
    assert said in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert finished.stdout == ""


@pytest.mark.slow
def test_a_numbered_stream_loses_no_frame_of_a_file(transport_stream):
    stop = threading.Event()
    sequence = LiveSequence(str(transport_stream), stop, 0.2)
    assert [live.frame.index for live in sequence] == list(range(600))
