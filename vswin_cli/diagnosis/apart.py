"""Functions called in a process of their own, where a crash or an endless wait is an answer too."""

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
    """Call a function of this package's; its arguments and its answer are JSON.

    Args:
        function: Its module and name, such as `trials.try_reader`; what it imports may be broken.
        arguments: Of it.
        seconds: It may take.

    Returns:
        The answer; or `error`, a line, where it raises, crashes or takes longer.
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
                _VARIABLE: called,  # which other users cannot see, unlike words of a command
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {seconds:g} s"}
    except OSError as exc:
        return {"error": f"no process can be started: {exc.strerror}"}
    except ValueError:  # no answer
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        how = f"its process {how_it_ended(done.returncode)}"
        return {"error": f"{how}: {last}" if last else how}
    return answer


def serve() -> None:
    """Call what the environment names, and print its answer, alone on standard output."""
    function, arguments = json.loads(os.environ.pop(_VARIABLE))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        module, _, name = function.partition(".")
        answer = getattr(import_module(f"vswin_cli.diagnosis.{module}"), name)(*arguments)
    except VswinError as exc:
        answer = {"error": str(exc)}
    except (Exception, SystemExit) as exc:  # whatever is wrong with a library is the answer
        lines = f"{type(exc).__name__}: {exc}".splitlines()
        answer = {"error": lines[0]}
    answers.write(json.dumps(answer))
    answers.flush()
    os._exit(0)  # some libraries crash when they are left
