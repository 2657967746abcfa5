"""Make the project of `vswin-slim`: vswin without TensorFlow, a third of its size.

An extra can only add dependencies. So this is a separate distribution of the same package; install
only one of the two.

python tools/slim_project.py /tmp/vswin-slim && pip install /tmp/vswin-slim
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CHANGES = (
    (r'^name = "vswin"$', 'name = "vswin-slim"'),
    (r'^    "(tensorflow>=[^"]+)",.*\n', ""),
    (r"^\[project\.optional-dependencies\]$", '\\g<0>\ntensorflow = ["{tensorflow}"]'),
    (r'"vswin\[', '"vswin-slim['),
)


def make(folder: Path) -> None:
    """Write the project into a new folder."""
    text = (ROOT / "pyproject.toml").read_text()
    match = re.search(_CHANGES[1][0], text, re.MULTILINE)
    assert match, "pyproject.toml names no tensorflow"
    for pattern, replacement in _CHANGES:
        text, times = re.subn(
            pattern, replacement.replace("{tensorflow}", match[1]), text, flags=re.MULTILINE
        )
        assert times, f"pyproject.toml has no {pattern}"
    shutil.copytree(
        ROOT / "vswin_cli", folder / "vswin_cli", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "pyproject.toml").write_text(text)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
