"""`vswin timeline` of a camera, a stream or a growing file: prints segments once they are final."""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

import typer

from vswin_cli.api.model import VideoModel
from vswin_cli.api.timelines import film_analyst
from vswin_cli.cli.interrupts import INTERRUPTED, heard_interrupts
from vswin_cli.cli.messages import print_warning
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.films.live import LiveSequence
from vswin_cli.formats.registry import Format, format_of
from vswin_cli.formats.writer import RecordWriter, open_writer
from vswin_cli.system.terminal import printable
from vswin_cli.timeline.computing import Computing, EngineComputing
from vswin_cli.timeline.film import FilmAnalyst
from vswin_cli.timeline.formats import clock, timeline_format, timeline_formats
from vswin_cli.timeline.formats.table import FORMAT as TABLE
from vswin_cli.timeline.live import LiveAnalyst
from vswin_cli.timeline.making import scaling
from vswin_cli.timeline.options import TimelineOptions
from vswin_cli.timeline.outputs import placed
from vswin_cli.timeline.result import Segment


def follow_paths(
    paths: Sequence[str],
    model: VideoModel,
    options: TimelineOptions,
    output: str | None,
    form: str | None,
    *,
    idle_seconds: float,
    resume: bool,
    quiet: bool,
) -> None:
    """Follow the stream in `paths`; see `follow_live`.

    Raises:
        UsageError: There are several, or the output is not possible.
    """
    if len(paths) > 1:
        raise UsageError(f"only one stream can be followed at a time, not {len(paths)}")
    path = None if output is None else Path(output)
    chosen = timeline_format(form) if form else TABLE
    if path is not None and not form:
        chosen = format_of(path, timeline_formats(), "--output")
    if chosen.is_folder:
        raise UsageError(f"--format {chosen.name} is for films with an end, not for streams")
    if path is not None and path.is_dir():
        raise UsageError(f"--output {output} is a folder; choose a file for the stream")
    if resume and path is not None and path.is_file() and path.stat().st_size:
        raise UsageError(
            f"{output} exists, and a stream cannot be continued; choose another --output, or use "
            "--no-resume to replace it"
        )
    analyst = film_analyst(model, options)
    with EngineComputing(model.engine) as computing:
        follow_live(
            paths[0], analyst, computing, path, chosen, idle_seconds=idle_seconds, quiet=quiet
        )


def follow_live(
    name: str,
    analyst: FilmAnalyst,
    computing: Computing,
    output: Path | None,
    chosen: Format,
    *,
    idle_seconds: float,
    quiet: bool,
) -> None:
    """Print or write segments until the stream ends or Ctrl-C; the output is complete either way.

    Raises:
        VideoError: The stream cannot be read.
        OutputError: The output cannot be written.
        typer.Exit: Ctrl-C ended it.
    """
    stopping = threading.Event()
    frames = LiveSequence(name, stopping, idle_seconds)
    told: list[Segment] = []
    writers: list[RecordWriter] = []  # one, after the first frame
    with ExitStack() as stack:

        def tell(segment: Segment) -> None:
            stream = writers[0].stream
            if chosen.extension is None:
                start, end = (clock(t, ".") for t in (segment.start_seconds, segment.end_seconds))
                text = f"{start}  {end}  {printable(segment.label)}  {segment.probability:.4f}\n"
                stream.write(text)
                stream.flush()
            elif chosen.grows:
                writers[0].write(_record(frames, segment))
            else:
                told.append(segment)

        live = LiveAnalyst(analyst, computing, tell)

        def begin() -> None:
            stream = stack.enter_context(_destination(output))
            writers.append(stack.enter_context(open_writer(chosen, stream, top_k=1)))
            if not quiet:
                text = f"{frames.name}: {chosen.name} is written when the stream ends"
                if chosen.grows or chosen.extension is None:
                    delay = live.delay_seconds(frames.rate)
                    text = f"{frames.name}: segments appear within {delay:.1f} s of their end"
                print(f"{printable(text)}; Ctrl-C stops", file=sys.stderr, flush=True)

        with heard_interrupts(stopping.set), scaling(frames.name):
            timeline = live.follow(frames, on_start=begin)
        if writers and not chosen.grows and chosen.extension is not None:
            record = replace(timeline, segments=tuple(told)).to_dict()
            if frames.waits and output is not None and chosen.holds_one:
                record = placed(record, os.path.realpath(name), output)
            writers[0].write(record)
    for warning in timeline.warnings:
        print_warning(f"{frames.name}: {warning}")
    if not quiet:
        _say_counts(frames, live)
    if stopping.is_set():
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _destination(output: Path | None) -> Iterator[IO[Any]]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", newline="", errors="surrogateescape") as stream:
            yield stream
    except OSError as exc:
        what = f"cannot write {output}: {exc.strerror}; choose another --output"
        raise OutputError(what) from exc


def _record(frames: LiveSequence, segment: Segment) -> dict[str, Any]:
    return {"video": frames.name, "error": None, "segments": [asdict(segment)]}


def _say_counts(frames: LiveSequence, live: LiveAnalyst) -> None:
    dropped = frames.num_dropped / max(frames.num_frames, 1)
    skipped = live.num_skipped / max(live.num_windows, 1)
    print(
        f"{frames.num_frames} frames received, {100 * dropped:.1f} % dropped; "
        f"{live.num_windows} windows, {100 * skipped:.1f} % left out",
        file=sys.stderr,
        flush=True,
    )
