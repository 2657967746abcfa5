"""Calls of functions in a separate process, where a crash or an endless wait is a result too."""

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

from vswin_cli.errors import VswinError
from vswin_cli.system.platform import how_it_ended

_VARIABLE = "VSWIN_CALL"
_SERVE = "from vswin_cli.diagnosis.apart import serve; serve()"


def call_apart(function: str, *arguments: object, seconds: float) -> dict[str, Any]:
    """Call a function of this package; its arguments and result are JSON.

    Args:
        function: Module and name, such as `trials.try_reader`; its imports may be broken.
        arguments: Arguments of the function.
        seconds: Time limit.

    Returns:
        The result; or `error`, one line, if it raises, crashes or takes longer.
    """
    called = json.dumps([function, arguments])
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _SERVE],
            capture_output=True,
            timeout=seconds,
            check=False,
            env={
                **os.environ,
                _VARIABLE: called,  # other users cannot see it, unlike arguments of a command
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {seconds:g} s"}
    except OSError as exc:
        return {"error": f"cannot start a process: {exc.strerror}"}
    except ValueError:  # no result
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        how = f"its process {how_it_ended(done.returncode)}"
        return {"error": f"{how}: {last}" if last else how}
    return answer


def serve() -> None:
    """Call the function that the environment names, and print only its result on stdout."""
    function, arguments = json.loads(os.environ.pop(_VARIABLE))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        module, _, name = function.partition(".")
        answer = getattr(import_module(f"vswin_cli.diagnosis.{module}"), name)(*arguments)
    except VswinError as exc:
        answer = {"error": str(exc)}
    except (Exception, SystemExit) as exc:  # any error of a library is the result
        lines = f"{type(exc).__name__}: {exc}".splitlines()
        answer = {"error": lines[0]}
    answers.write(json.dumps(answer))
    answers.flush()
    os._exit(0)  # some libraries crash at exit
