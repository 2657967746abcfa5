"""Runs that are killed and run again write the same as undisturbed ones, in every format."""

import os
import re
import signal
from contextlib import closing

import pytest
from apart import Apart
from clips import encode, numbered_frame
from film_engine import ANALYST, Counting

from vswin_cli.films.sequence import FrameSequence
from vswin_cli.runs.videos import Found
from vswin_cli.timeline import runs
from vswin_cli.timeline.film_process import FilmProcess
from vswin_cli.timeline.formats import timeline_formats
from vswin_cli.timeline.options import FilmRunOptions
from vswin_cli.timeline.outputs import TimelineOutput

FORMATS = [each.name for each in timeline_formats() if each.extension]
CHANGING = re.compile(rb'"elapsed_seconds": ?[^,}]+|DATE="[^"]+"|"modified": ?[^,}]+')


class Killing(Counting):
    """An engine whose process is killed at some window."""

    def start(self, views):
        if self.num_computed == self._dies_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().start(views)


class Here(FilmProcess):
    """Decodes in this process, which starts faster."""

    def start(self):
        pass

    def timeline(self, film, computing, on_progress):
        return film.analyst.timeline(film.video, FrameSequence(film.path), computing)


def run_into(folder, form, films, engine):
    task = runs.TimelineTask(lambda: (ANALYST, engine), ANALYST.setup, {"a": 1}, {"b": 1}, 2)
    output = TimelineOutput(f"{folder}/", form)
    found = [Found(path.name, str(path)) for path in films]
    return runs.timelines_over(found, task, output, FilmRunOptions(), runs.TimelineWatcher())


def kill_run(*arguments):
    """Return how a run ends that is killed, in a separate process."""
    runs.FilmProcess = Here
    if not (pid := os.fork()):
        run_into(*arguments)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two films of four seconds, which change halfway."""
    folder = tmp_path_factory.mktemp("films")
    numbers = [k if k < 50 else 4095 - k for k in range(100)]
    return [
        encode(folder / f"{name}.mp4", (numbered_frame(n + name) for n in numbers), rate=25)
        for name in (0, 1)
    ]


@pytest.fixture(scope="module")
def other():
    with closing(Apart()) as apart:
        yield apart


def files(folder):
    return {path.name: CHANGING.sub(b"", path.read_bytes()) for path in folder.iterdir()}


@pytest.mark.parametrize("form", FORMATS)
def test_a_killed_run_continues_to_the_same_output(form, films, other, monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "FilmProcess", Here)
    whole, again = Counting(), Counting()
    run_into(tmp_path / "whole", form, films, whole)
    total = whole.num_computed
    died = total * (1 + FORMATS.index(form)) // (len(FORMATS) + 1)
    status = other(kill_run, tmp_path / "killed", form, films, Killing(died))
    assert os.WTERMSIG(status) == signal.SIGKILL
    run_into(tmp_path / "killed", form, films, again)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert again.num_computed == total - died
