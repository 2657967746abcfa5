"""Draw docs/assets/terminal.svg, the picture in the README, from the real output of commands.

python tools/draw_terminal.py
"""

import io
import os
import pty
import re
import subprocess
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "assets" / "terminal.svg"
COMMANDS = (
    "vswin predict sample_videos/pan_left.mp4 --top-k 3",
    "vswin timeline sample_videos/films/tour.mp4",
)
_WIDTH = 88  # columns


def draw() -> str:
    """Run the commands, and draw the terminal."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    for command in COMMANDS:
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        console.print(Text.from_ansi(_output(command)))
    picture = console.export_svg(title="vswin", unique_id="vswin")
    picture = re.sub(r" *@font-face \{.*?\n *\}\n", "", picture, flags=re.DOTALL)
    fonts = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
    return picture.replace("Fira Code, monospace", fonts)  # load no fonts from the network


def _output(command: str) -> str:
    """Return the output of a command on a terminal, as it looks when the command has ended."""
    reading, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(_WIDTH)}
    with subprocess.Popen(
        command.split(), stdout=terminal, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment
    ) as process:
        os.close(terminal)
        printed = bytearray()
        try:
            while part := os.read(reading, 65536):
                printed += part
        except OSError:  # the terminal was closed
            pass
        os.close(reading)
    if process.returncode:
        raise SystemExit(f"{command}: exit code {process.returncode}")
    text = printed.decode().replace("\r\n", "\n")
    return re.sub(
        r" · [\d.]+ s(?=[^·\n]*$)", "", text, flags=re.MULTILINE
    )  # the time on this machine


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
