"""`python -m vswin_cli`, and the `vswin` command."""

import atexit
import os
import signal
import sys
from io import TextIOWrapper

from vswin_cli.system.platform import ENDING_SIGNALS

_asked_to_leave: list[int] = []  # exit codes


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_closed_streams()
    _write_in_any_encoding()
    # After the work is done, Ctrl-C must not replace the exit code.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    for number in ENDING_SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:  # not ignored, as by nohup
            signal.signal(number, _leave)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from vswin_cli.cli.app import run  # noqa: PLC0415 - Ctrl-C may arrive during the import

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except Exception:
        if not _asked_to_leave:
            raise
        code = 1
    if code and _asked_to_leave:  # some libraries raise another error when they are interrupted
        code = _asked_to_leave[0]
    sys.exit(code)


def _leave(number: int, frame: object) -> None:
    """Exit so that displays and temporary files are cleared; exit at once the second time."""
    signal.signal(number, signal.SIG_DFL)
    _asked_to_leave.append(128 + number)
    raise SystemExit(128 + number)


def _interrupt(number: int, frame: object) -> None:
    """Raise KeyboardInterrupt, as Python does."""
    _asked_to_leave.append(130)
    raise KeyboardInterrupt


def _open_closed_streams() -> None:
    """Open closed standard streams as the null device, before another file gets their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w"))


def _write_in_any_encoding() -> None:
    """Allow any file name in output: as bytes in UTF-8, else escaped if the encoding lacks it."""
    if isinstance(sys.stdout, TextIOWrapper):
        is_utf8 = sys.stdout.encoding.lower() == "utf-8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


if __name__ == "__main__":
    main()
