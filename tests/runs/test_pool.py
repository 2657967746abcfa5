"""Decoding in processes: hangs, crashes and kills cost one video, and leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from clips import encode, numbered_frames
from label_decoders import decode_or_break, decode_or_fill, make_up_views
from label_run import PROTOCOL
from processes import children, is_running, resident_bytes
from waiting import wait_until

from vswin_cli.errors import BackendError
from vswin_cli.runs.pool import DecodingPool
from vswin_cli.runs.videos import Found
from vswin_cli.runs.worker import Decoding, decode_views
from vswin_cli.views.views import read_views

started = pytest.mark.usefixtures("started_workers")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("clip") / "clip.mp4", numbered_frames(100, 48, 64))


@pytest.fixture
def copies(clip, tmp_path):
    """Copies of the clip under other names, found."""

    def copied(*names):
        paths = [Path(shutil.copy(clip, tmp_path / name)) for name in names]
        return [Found(path.name, str(path)) for path in paths]

    return copied


def pool(decode=decode_or_break, *, num_workers=2, timeout_seconds=1.5):
    decoding = Decoding(decode, PROTOCOL, "auto")
    return DecodingPool(decoding, num_workers=num_workers, timeout_seconds=timeout_seconds)


@started
def test_views_arrive_as_they_were_read(clip):
    [decoded] = pool(decode_views).decode_each([Found("x", str(clip))])
    views = read_views(clip, (PROTOCOL,), "auto")
    for arrived, read in zip(decoded.views, views, strict=True):
        assert (arrived.frames == read.frames).all()
        assert arrived.weight == read.weight
    assert decoded.views.clips.tolist() == views.clips.tolist()
    assert decoded.error is None
    assert any("100 frame" in note for note in decoded.notes)


@pytest.mark.slow
def test_views_that_are_kept_stay_as_they_are_while_others_come(tmp_path):
    paths = {}
    for number in range(9):
        frames = [255 - frame if number % 2 else frame for frame in numbered_frames(90, 48, 64)]
        path = encode(tmp_path / f"{number}.mp4", np.roll(frames, 5 * number, axis=0))
        paths[path.name] = path
    kept = []
    for decoded in pool(decode_views, num_workers=1).decode_each(
        [Found(name, str(path)) for name, path in paths.items()]
    ):
        if decoded.found.video not in ("1.mp4", "3.mp4"):  # its memory can be reused
            kept.append(decoded)
        del decoded
    assert len(kept) == 7
    for decoded in kept:
        views = read_views(paths[decoded.found.video], (PROTOCOL,), "auto")
        for arrived, read in zip(decoded.views, views, strict=True):
            assert (arrived.frames == read.frames).all()


def test_deadline_may_be_longer_than_the_system_can_wait(clip):
    [decoded] = pool(decode_views, timeout_seconds=1e11).decode_each([Found("x", str(clip))])
    assert decoded.error is None


@pytest.mark.slow
def test_hang_and_crash_cost_one_video_each(copies):
    names = ["a.mp4", "hangs.mp4", "segfaults.mp4", "exits.mp4", "b.mp4", "raises.mp4", "c.mp4"]
    kinds, messages = {}, {}
    for decoded in pool().decode_each(copies(*names)):
        assert decoded.found.video not in kinds
        kinds[decoded.found.video] = decoded.error and decoded.error.kind
        messages[decoded.found.video] = str(decoded.error)
    assert kinds == {
        "a.mp4": None,
        "b.mp4": None,
        "c.mp4": None,
        "hangs.mp4": "timeout",
        "segfaults.mp4": "crashed",
        "exits.mp4": "crashed",
        "raises.mp4": "unreadable",
    }
    assert "not decoded within 1.5 s; raise --timeout" in messages["hangs.mp4"]
    assert "SIGSEGV" in messages["segfaults.mp4"]
    assert "code 7" in messages["exits.mp4"]
    assert "RuntimeError: a bug" in messages["raises.mp4"]
    assert children(os.getpid()) == []


@pytest.mark.slow
def test_deadline_holds_while_nobody_takes_the_views(copies):
    """A hanging decoder is ended in time; a finished one may wait without a limit."""
    with closing(pool().decode_each(copies("hangs.mp4", *"abcdef"))) as decoded_each:
        first = next(decoded_each)
        workers = children(os.getpid())
        wait_until(lambda: sum(map(is_running, workers)) == 1)
        time.sleep(0.5)
        assert sum(map(is_running, workers)) == 1
        rest = list(decoded_each)
    kinds = {d.found.video: d.error and d.error.kind for d in (first, *rest)}
    assert kinds.pop("hangs.mp4") == "timeout"
    assert kinds == dict.fromkeys("abcdef")


@started
def test_killed_worker_is_replaced(copies):
    decoding = pool(num_workers=1, timeout_seconds=30)
    decoded_each = decoding.decode_each(copies("a.mp4", "slow.mp4", "b.mp4"))
    assert next(decoded_each).error is None
    # A process that dies before a request costs no video.
    wait_until(lambda: [found.video for found in decoding.busy_with()] == ["slow.mp4"])
    [worker] = children(os.getpid())
    os.kill(worker, signal.SIGKILL)
    second, third = decoded_each
    assert second.error.kind == "crashed"
    assert "SIGKILL" in str(second.error)
    assert third.error is None


@pytest.mark.slow
def test_worker_that_dies_idle_costs_no_video(copies):
    def killing_in_between():
        for found in copies("a.mp4", "b.mp4", "c.mp4"):
            for worker in children(os.getpid()):
                os.kill(worker, signal.SIGKILL)
            time.sleep(0.3)  # to die takes a moment
            yield found

    decoded_each = list(pool(num_workers=1).decode_each(killing_in_between()))
    assert [decoded.error for decoded in decoded_each] == [None] * 3


def test_few_videos_are_ahead_of_the_model():
    taken = []

    def endless():
        number = 0
        while True:
            taken.append(number)
            yield Found(str(number), str(number))
            number += 1

    with closing(pool(make_up_views).decode_each(endless())) as decoded_each:
        next(decoded_each)
        time.sleep(1)
        assert len(taken) <= 1 + 1 + 2  # taken, ready, and one in each worker
    assert children(os.getpid()) == []


@pytest.mark.slow
def test_no_worker_that_has_answered_waits_for_long_where_the_model_is_slow():
    found = [Found(str(number), str(number)) for number in range(30)]
    order = []
    decoding = pool(make_up_views)
    with closing(decoding.decode_each(found)) as decoded_each:
        for decoded in decoded_each:
            order.append(int(decoded.found.video))
            wait_until(lambda: all(worker.is_ready for worker in decoding._workers))
            time.sleep(0.05)
    assert all(abs(number - place) <= 4 for place, number in enumerate(order)), order


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_videos():
    def peak(num_videos):
        found = [Found(str(number), str(number)) for number in range(num_videos)]
        most = 0
        for _ in pool(make_up_views).decode_each(found):
            most = max(most, resident_bytes([os.getpid(), *children(os.getpid())]))
        return most

    peak(10)
    assert peak(300) < 1.1 * peak(30)


@started
def test_video_that_fills_memory_fails_alone():
    found = [Found(name, name) for name in ("a", "fills", "b")]
    decoding = Decoding(decode_or_fill, PROTOCOL, "auto")
    options = {"num_workers": 1, "timeout_seconds": 30, "memory_bytes": 500_000_000}
    each = list(DecodingPool(decoding, **options).decode_each(found))
    assert [decoded.error and decoded.error.kind for decoded in each] == [None, "unreadable", None]
    assert "takes more than 0.5 GB of memory" in str(each[1].error)


@pytest.mark.slow
@pytest.mark.parametrize("has_finished", [False, True])
def test_worker_that_is_stopped_delays_nobody(has_finished):
    """Both if it decodes, and if it has just sent its views."""
    found = [Found(name, name) for name in "abcdefgh"]
    stopping = pool(make_up_views, num_workers=2, timeout_seconds=3)
    with closing(stopping.decode_each(found)) as decoded_each:
        names = [next(decoded_each).found.video]
        workers = children(os.getpid())
        wait_until(lambda: all(worker.is_ready for worker in stopping._workers))
        time.sleep(0.5 if has_finished else 0.0)
        os.kill(workers[0], signal.SIGSTOP)
        start = time.monotonic()
        rest = list(decoded_each)
    assert time.monotonic() - start < 8
    assert sorted([*names, *(decoded.found.video for decoded in rest)]) == list("abcdefgh")
    assert {str(d.error and d.error.kind) for d in rest} <= {"None", "timeout"}
    assert children(os.getpid()) == []


def test_stop_yields_what_is_in_hand_and_takes_no_more(copies):
    one = pool(num_workers=1)
    decoded_each = one.decode_each(copies("a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4", "f.mp4"))
    names = [next(decoded_each).found.video]
    one.stop()
    names += [decoded.found.video for decoded in decoded_each]
    assert names[0] == "a.mp4"
    assert 1 <= len(names) <= 3
    assert children(os.getpid()) == []


@pytest.mark.slow
def test_kept_workers_serve_call_after_call_and_each_fails_alone(copies):
    kept = pool(num_workers=2)
    kept.keep()

    def kinds(*names):
        each = list(kept.decode_each(copies(*names)))
        return {d.found.video: d.error and d.error.kind for d in each}, children(os.getpid())

    with closing(kept):
        first, workers = kinds("a.mp4", "b.mp4", "c.mp4")
        assert kinds("d.mp4", "slow.mp4", "e.mp4")[1] == workers
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)  # while it has no video
        time.sleep(0.3)  # to die takes a moment
        second, workers = kinds("f.mp4", "hangs.mp4", "segfaults.mp4", "g.mp4")
        with closing(kept.decode_each(copies("h.mp4", "slow.mp4", *"ijk"))) as abandoned:
            next(abandoned)
        assert kept.busy_with() == []
        last, _ = kinds("l.mp4")
    assert first | second | last == {
        **dict.fromkeys([f"{name}.mp4" for name in "abcfgl"]),
        "hangs.mp4": "timeout",
        "segfaults.mp4": "crashed",
    }
    assert children(os.getpid()) == []


@started
def test_worker_that_cannot_start_is_an_error_of_the_run(monkeypatch):
    monkeypatch.setattr("vswin_cli.runs.worker_process._SERVE", "raise SystemExit(3)")
    with pytest.raises(BackendError, match="does not start: it exited with code 3"):
        list(pool().decode_each([Found("x", "x.mp4")]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "then"),
    [
        ("hangs.mp4", "next(videos)"),
        ("slow.mp4", "next(videos)"),
        ("kept.mp4", "pool.keep(); [*videos]; time.sleep(99)"),
    ],
)
def test_workers_end_with_a_parent_that_is_killed(copies, name, then):
    """Also if the decoder blocks the interpreter, or waits for a call."""
    [found] = copies(name)
    code = (
        "import time\n"
        "from label_decoders import decode_or_break as decode\n"
        "from label_run import PROTOCOL\n"
        "from vswin_cli.runs.videos import Found\n"
        "from vswin_cli.runs.pool import DecodingPool\n"
        "from vswin_cli.runs.worker import Decoding\n"
        "decoding = Decoding(decode, PROTOCOL, 'auto')\n"
        "pool = DecodingPool(decoding, num_workers=2, timeout_seconds=99)\n"
        f"videos = pool.decode_each([Found('x', {found.path!r})] * 9)\n"
        f"{then}\n"
    )
    path = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
    )
    deadline = time.monotonic() + 60
    while len(workers := children(parent.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    parent.kill()
    parent.wait()
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(workers) == 2
    assert not any(map(is_running, workers))
