import subprocess
import sys

CODE = """
import io, os, sys
from contextlib import redirect_stderr
from vswin_cli.system.native_stderr import native_stderr_dropped
with native_stderr_dropped():
    os.write(2, b"native inside\\n")
    print("python inside", file=sys.stderr)
try:
    with native_stderr_dropped():
        raise ValueError
except ValueError:
    os.write(2, b"native after an error\\n")
print("python after", file=sys.stderr)
own = io.StringIO()
with redirect_stderr(own), native_stderr_dropped():
    print("python elsewhere", file=sys.stderr)
assert own.getvalue() == "python elsewhere\\n"
os.close(2)
with native_stderr_dropped():
    print("closed is no error")
"""


def test_native_messages_are_dropped_and_pythons_are_not():
    finished = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert finished.stderr.splitlines() == [
        "python inside",
        "native after an error",
        "python after",
    ]
    assert (finished.returncode, finished.stdout) == (0, "closed is no error\n")
