"""Carrying out a plan, for the commands that do: follow it, hear Ctrl-C, say how to continue."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from vswin_cli.cli.interrupts import INTERRUPTED, heard_interrupts, say_how_to_continue

if TYPE_CHECKING:  # they import NumPy and OpenCV
    from vswin_cli.cli.label_display import LabelDisplay
    from vswin_cli.runs.finding import Found
    from vswin_cli.runs.journal import Journal
    from vswin_cli.runs.pool import DecodingPool
    from vswin_cli.runs.run import Answer


def carry_out(
    todo: "Sequence[Found]",
    make_pool: "Callable[[], DecodingPool]",
    make_answer: "Callable[[], Answer]",
    journal: "Journal",
    display: "LabelDisplay",
    max_failures: int | None,
) -> int:
    """Make the records of some videos; nothing is loaded where there are none.

    Returns:
        How many failed.
    """
    from vswin_cli.runs.run import Run

    if not todo:
        return 0
    pool = make_pool()

    def stop() -> None:
        display.say_stopping()
        pool.stop()

    with display.following(todo, pool.busy_with):
        run = Run(make_answer(), pool, journal, display, max_failures)
        with heard_interrupts(stop):
            run.label(todo)
    return run.num_failed


def end(
    display: "LabelDisplay", num_failed: int, max_failures: int | None, *, is_complete: bool
) -> None:
    """Say why the run stopped early, if it did, and give the exit code.

    Args:
        display: Knows whether Ctrl-C was pressed.
        num_failed: In this run.
        max_failures: After which it stops.
        is_complete: Whether all is done, and well.
    """
    is_stopped = max_failures is not None and num_failed >= max_failures
    if is_stopped:
        print(f"stopped after {num_failed} failures", file=sys.stderr)
    if is_stopped or display.stopping:
        say_how_to_continue()
    if display.stopping:
        raise typer.Exit(INTERRUPTED)
    if is_stopped or not is_complete:
        raise typer.Exit(1)
