"""`python -m vswin_cli`, and the `vswin` command."""

import atexit
import os
import signal
import sys
from io import TextIOWrapper

from vswin_cli.system.platform import ENDING_SIGNALS


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_closed_streams()
    _write_in_any_encoding()
    # Once all is done, Ctrl-C has nothing to end, and must not take the place of the exit code.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    for number in ENDING_SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:  # not ignored, as by nohup
            signal.signal(number, _leave)
    try:
        from vswin_cli.cli.app import run  # noqa: PLC0415 - Ctrl-C may come while it is imported

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _leave(number: int, frame: object) -> None:
    """End as after an error, so that displays and temporary files are cleared; at once if again."""
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)


def _open_closed_streams() -> None:
    """Let what a caller has closed lead nowhere, before another file takes its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w"))


def _write_in_any_encoding() -> None:
    """Let any file name be written: its bytes in UTF-8, else what the encoding lacks escaped."""
    if isinstance(sys.stdout, TextIOWrapper):
        is_utf8 = sys.stdout.encoding.lower() == "utf-8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")


if __name__ == "__main__":
    main()
