"""Real processes, killed and interrupted, with a file of the published size."""

import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from misbehaving_server import MisbehavingServer, answering, serving
from waiting import wait_for_line, wait_until

from vswin_cli.weights.cache import weights_file
from vswin_cli.weights.partial import partial_bytes
from vswin_cli.weights.transfer import OVERLAP_BYTES
from vswin_cli.zoo.catalog import find_model


@pytest.fixture
def tiny(tmp_path):
    return weights_file(find_model("swin-t-k400"), tmp_path / "cache")


@pytest.fixture
def download(vswin, tiny_server):
    """Start a download of swin-t-k400."""
    return lambda *options: vswin(
        "download-weights", "swin-t-k400", "--mirror", tiny_server.mirror, *options
    )


def finish(process, seconds=60):
    output, errors = process.communicate(timeout=seconds)
    assert "Traceback" not in errors
    return process.returncode, output, errors


def assert_interrupt_ends_soon(begin):
    """Send Ctrl-C to a process; on a busy machine, to a second and a third one.

    Args:
        begin: Starts the process, and returns it at the point for Ctrl-C.

    Returns:
        The stderr of the last process.
    """
    for tries_left in (2, 1, 0):
        process = begin()
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, _, errors = finish(process)
        assert code == 130
        assert errors.splitlines()[-1] == "interrupted"
        assert errors.count("interrupted") == 1
        if time.monotonic() - begun < 3:
            return errors
        assert tries_left
    raise AssertionError


def assert_whole(target, server):
    assert target.path.read_bytes() == server.content
    assert not target.partial_path.exists()


@pytest.mark.slow
def test_five_random_cuts_cost_less_than_a_hundredth(download, tiny, tiny_server):
    rng = random.Random(11)
    size = len(tiny_server.content)
    tiny_server.script = [serving(cut_after=rng.randrange(1, size // 5)) for _ in range(5)]
    code, output, _ = finish(download())
    assert code == 0
    assert output == f"{tiny.path}\n"
    assert_whole(tiny, tiny_server)
    assert len(tiny_server.requests) == 6
    assert tiny_server.num_bytes_sent < 1.01 * size


@pytest.mark.slow
def test_kill_at_any_moment_and_then_again(download, tiny, tiny_server):
    rng = random.Random(12)
    for pace in (
        80e6,
        None,
    ):  # during the download; also during verification
        tiny_server.bytes_per_second = pace
        for _ in range(2):
            tiny_server.requests.clear()
            process = download("--force")
            wait_until(lambda poll=process.poll: tiny_server.requests or poll() is not None)
            time.sleep(rng.uniform(0, 0.7))
            process.kill()
            process.communicate()
            if tiny.path.exists():
                assert tiny.path.read_bytes() == tiny_server.content
    tiny_server.bytes_per_second = None
    assert finish(download("--force"))[0] == 0
    assert_whole(tiny, tiny_server)


@pytest.mark.slow
def test_killed_download_is_continued(download, tiny, tiny_server):
    tiny_server.bytes_per_second = 40e6
    process = download()
    wait_until(lambda: tiny_server.num_bytes_sent > 20e6)
    process.kill()
    process.communicate()
    assert not tiny.path.exists()
    kept = tiny.partial_path.stat().st_size
    assert kept > 10e6
    tiny_server.bytes_per_second = None
    code, _, errors = finish(download())
    assert code == 0
    assert "continuing at" in errors
    assert tiny_server.requests[-1][1]["Range"] == f"bytes={kept - OVERLAP_BYTES}-"
    assert_whole(tiny, tiny_server)


@pytest.mark.slow
def test_three_processes_at_once_download_once(download, tiny, tiny_server):
    tiny_server.bytes_per_second = 80e6
    processes = [download() for _ in range(3)]
    for process in processes:
        code, output, _ = finish(process)
        assert (code, output) == (0, f"{tiny.path}\n")
    assert len(tiny_server.requests) == 1
    assert_whole(tiny, tiny_server)


@pytest.mark.slow
def test_waiting_process_takes_over_from_a_killed_one(download, tiny, tiny_server):
    tiny_server.script = [serving(hold_after=5_000_000)]
    first = download()
    wait_until(lambda: partial_bytes(tiny) == 5_000_000)
    second = download()
    wait_for_line(second, "waiting for another process")
    first.kill()
    assert finish(second)[0] == 0
    assert_whole(tiny, tiny_server)


def test_interrupt_ends_a_download_and_keeps_its_part(download, tiny, tiny_server):
    tiny_server.always = serving(hold_after=5_000_000)

    def begin():
        tiny.partial_path.unlink(missing_ok=True)
        process = download()
        wait_until(lambda: partial_bytes(tiny) == 5_000_000)
        return process

    errors = assert_interrupt_ends_soon(begin)
    assert "the downloaded part is kept" in errors
    assert tiny.partial_path.stat().st_size == 5_000_000
    assert not tiny.path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_end_of_the_session_ends_a_download_and_keeps_its_part(download, tiny, tiny_server, number):
    tiny_server.always = serving(hold_after=5_000_000)
    process = download()
    wait_until(lambda: partial_bytes(tiny) == 5_000_000)
    process.send_signal(number)
    code, _, errors = finish(process)
    assert code == 128 + number
    assert "the downloaded part is kept" in errors
    assert tiny.partial_path.stat().st_size == 5_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", [serving(stall_after=100_000), answering(503, Retry_After="60")], ids=["silence", "503"]
)
def test_interrupt_ends_a_wait_for_the_server(download, tiny_server, step):
    tiny_server.always = step

    def begin():
        tiny_server.requests.clear()
        process = download()
        wait_until(lambda: tiny_server.requests)
        time.sleep(0.2)
        return process

    assert_interrupt_ends_soon(begin)


@pytest.mark.slow
def test_interrupt_ends_a_wait_for_another_process(download, tiny, tiny_server):
    tiny_server.always = serving(hold_after=5_000_000)
    first = download()
    wait_until(lambda: partial_bytes(tiny) == 5_000_000)

    def begin():
        second = download()
        wait_for_line(second, "waiting for another process")
        return second

    assert "kept" not in assert_interrupt_ends_soon(begin)
    assert first.poll() is None


@pytest.mark.slow
def test_interrupt_ends_several_downloads(vswin, tiny_server, tmp_path):
    names = ["swin-t-k400", "swin-s-k400", "swin-b-k400"]
    # No length, so that one file serves for all.
    tiny_server.always = serving(length=-1, hold_after=5_000_000)

    def parts():
        return [path for path in (tmp_path / "cache").glob("*.part") if path.stat().st_size]

    def begin():
        for path in parts():
            path.unlink()
        process = vswin("download-weights", *names, "--jobs", 3, "--mirror", tiny_server.mirror)
        wait_until(lambda: len(parts()) == 3)
        return process

    assert_interrupt_ends_soon(begin)
    assert len(parts()) == 3


@pytest.mark.slow
def test_interrupt_at_any_moment_ends_soon(download, tiny, tiny_server):
    """Without a pace, most of these moments are in the verification and the last steps."""
    rng, num_slow = random.Random(13), 0
    for _ in range(3):
        tiny.partial_path.unlink(missing_ok=True)
        tiny_server.requests.clear()
        process = download("--force")
        wait_until(lambda: tiny_server.requests)
        time.sleep(rng.uniform(0, 0.4))
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, _, _ = finish(process)
        assert code in {0, 130}
        num_slow += time.monotonic() - begun >= 3
        if tiny.path.exists():
            assert tiny.path.read_bytes() == tiny_server.content
    assert num_slow <= 1  # the machine may be busy
    assert finish(download())[0] == 0


@pytest.mark.slow
def test_largest_file_needs_little_memory(largest_file, tmp_path):
    code = (
        "import sys\n"
        "from vswin_cli.cli.app import run\n"
        "assert run(sys.argv[1:]) == 0\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
    )
    with MisbehavingServer(largest_file.read_bytes()) as server:
        arguments = ["download-weights", "swin-b-ssv2", "--mirror", server.mirror]
        process = subprocess.run(
            [sys.executable, "-c", code, *arguments, "--cache-dir", tmp_path],
            capture_output=True,
            text=True,
            check=True,
        )
    peak_bytes = int(process.stdout.splitlines()[-1]) * 1024
    assert peak_bytes < 200e6
    shutil.rmtree(tmp_path)
