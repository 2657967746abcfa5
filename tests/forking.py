"""Python processes that are forked from one with the needed imports.

A decoding process takes half a second of a processor to start, most of the time of a short run.
`Popen` starts it like `subprocess.Popen`, but a process forks instead: the new process is a child
of the caller, with the requested code, arguments, environment, folder and descriptors.

python forking.py DESCRIPTOR  # requests come over this connection
"""

import atexit
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

FORKING = "forking"  # name of the process that forks
_CLONE_PARENT = 0x8000  # <linux/sched.h>: the child's parent is this process's parent
_SYS_CLONE = {"x86_64": 56, "aarch64": 220}.get(os.uname().machine) if os.name == "posix" else None
_IMPORTS = "vswin_cli.runs.worker", "vswin_cli.timeline.film_worker"  # they start no threads

_CAN_FORK = sys.platform == "linux" and _SYS_CLONE is not None


class _Forking:
    """The process that forks, which ends with this one."""

    def __init__(self):
        self.connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    "OPENBLAS_NUM_THREADS": "1",
                },
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        self.owner = os.getpid()
        atexit.register(self.close)

    def fork(self, request, descriptors):
        socket.send_fds(self.connection, [json.dumps(request).encode()], descriptors)
        return int(self.connection.recv(100))

    def close(self):
        if self.owner == os.getpid():
            self.connection.close()
            self.process.wait()


_forking = None


class Popen(subprocess.Popen):
    """Like `subprocess.Popen`, for `[sys.executable, "-P", "-c", code, …]` with null streams."""

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *more):
        global _forking  # noqa: PLW0603
        python, isolated, is_code, code, *words = args
        assert (python, isolated, is_code, cwd) == (sys.executable, "-P", "-c", None)
        if _forking is None or _forking.owner != os.getpid():
            _forking = _Forking()
        folder = os.open(".", os.O_RDONLY)
        request = {"code": code, "words": words, "env": env, "numbers": list(pass_fds)}
        try:
            self.pid = _forking.fork(request, [folder, *pass_fds])
        finally:
            os.close(folder)
            os.close(self._devnull)
        self._child_created = True


def forked():
    """Fork decoding processes while the context lasts, if the system can."""
    if not _CAN_FORK:
        return contextlib.nullcontext()
    forking = SimpleNamespace(**{**vars(subprocess), "Popen": Popen})
    return mock.patch("vswin_cli.runs.serving.subprocess", forking)


def _serve(connection):
    Path("/proc/self/comm").write_text(FORKING)
    for name in _IMPORTS:
        import_module(name)
    # A fork would lose other threads, with the locks that they hold.
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 10)
        if not message:
            os._exit(0)
        pid = _fork()
        if pid == 0:
            connection.close()
            _become(json.loads(message), *descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(str(pid).encode())


def _fork():
    python = ctypes.pythonapi
    python.PyOS_BeforeFork()
    pid = ctypes.PyDLL(None).syscall(_SYS_CLONE, _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    (python.PyOS_AfterFork_Child if pid == 0 else python.PyOS_AfterFork_Parent)()
    return pid


def _become(request, folder, *descriptors):
    Path("/proc/self/comm").write_text("python")
    os.setpgid(0, 0)
    os.fchdir(folder)
    os.close(folder)
    for descriptor, number in zip(descriptors, request["numbers"], strict=True):
        os.dup2(descriptor, number)
        if descriptor != number:
            os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["-c", *request["words"]]
    sys.path[:] = os.environ["PYTHONPATH"].split(os.pathsep)
    exec(request["code"], {"__name__": "__main__"})


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
