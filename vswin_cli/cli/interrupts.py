"""Ctrl-C without delay: the first press asks the run to end, the second ends the process.

SIGTERM and SIGHUP, as service managers and closed terminals send them, count as presses.
"""

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING

from vswin_cli.sources.addresses import told_without_credentials
from vswin_cli.system.platform import ENDING_SIGNALS
from vswin_cli.system.terminal import printable

if TYPE_CHECKING:
    import socket

_SIGNALS = (signal.SIGINT, *ENDING_SIGNALS)
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
STOPPING = "finishing the work in progress; press Ctrl-C again to stop at once"


@contextmanager
def heard_interrupts(on_first: Callable[[], None]) -> Iterator[None]:
    """Call `on_first` at the first Ctrl-C, in a thread; end the process at the second.

    Python runs signal handlers in the main thread, between two steps, and a step of the model may
    take seconds. This thread gets the signal from the system's handler.
    """
    import socket

    heard, told = socket.socketpair()
    told.setblocking(False)
    heeded = [each for each in _SIGNALS if signal.getsignal(each) != signal.SIG_IGN]  # by nohup
    handlers_before = {each: signal.signal(each, lambda number, frame: None) for each in heeded}
    wakeup_before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_listen, args=(heard, on_first), daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for each, handler in handlers_before.items():
            signal.signal(each, handler)
        told.close()
        thread.join()
        heard.close()


def leaving_at_once(tidy: Callable[[], None]) -> AbstractContextManager[None]:
    """Leave the process at the first Ctrl-C, where a library computes for minutes.

    Args:
        tidy: What to do before, in another thread.
    """

    def leave() -> None:
        tidy()
        print("interrupted", file=sys.stderr, flush=True)
        os._exit(INTERRUPTED)

    return heard_interrupts(leave)


def say_how_to_continue() -> None:
    """Print on stderr the command that continues this run."""
    arguments = [told_without_credentials(each) for each in sys.argv[1:] if each != "--no-resume"]
    say(f"continue with: {printable(shlex.join(['vswin', *arguments]))}")


def say(text: str) -> None:
    """Print on stderr, if somebody still reads it: the terminal may be closed."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _listen(heard: "socket.socket", on_first: Callable[[], None]) -> None:
    num_presses = 0
    while numbers := heard.recv(64):
        for number in numbers:
            if number not in _SIGNALS:
                continue
            num_presses += 1
            if num_presses > 1:
                if sys.stderr.isatty():
                    os.write(2, b"\x1b[?25h\r\n")  # show the cursor, which a live display hides
                os._exit(INTERRUPTED)  # its child processes are killed too
            on_first()
