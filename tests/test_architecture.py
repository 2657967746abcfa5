"""The package's own rules: imports go downward only, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vswin_cli"

# A part may import those below it, never its siblings on the same line or those above.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"api"},
    {"evaluation", "features", "benchmark"},
    {"pages"},
    {"runs"},
    {"classify", "formats", "weights", "conversion"},
    {"video", "engines"},
    {"network"},
    {"zoo"},
    {"results"},
    {"errors", "system"},
    {"__init__"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
HEAVY = {"keras", "tensorflow", "jax", "torch", "openvino", "cv2", "decord", "h5py", "numpy"}


def part_of(module: str) -> str:
    """`vswin_cli.video.views` belongs to `video`; the package itself is `__init__`."""
    return [*module.split("."), "__init__"][1]


def imported_parts(path: Path) -> set[str]:
    parts = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        parts |= {part_of(name) for name in names if name.split(".")[0] == "vswin_cli"}
    return parts


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downward_only(path):
    own = part_of(".".join(["vswin_cli", *path.relative_to(PACKAGE).with_suffix("").parts]))
    for part in imported_parts(path) - {own}:
        assert LEVEL[part] > LEVEL[own], f"{own} must not import {part}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["predict", "--help"],
        ["label", "--help"],
        ["report", "--help"],
        ["evaluate", "--help"],
        ["models", "--help"],
        ["models"],
        ["convert", "--help"],
        ["labels", "swin-t-k400"],
        ["download-weights", "--help"],
        ["weights", "--help"],
        ["weights", "list"],
        ["cache", "--help"],
        ["cache", "info"],
    ],
    ids=" ".join,
)
def test_light_commands_import_no_heavy_library(arguments):
    code = (
        "import sys\n"
        "from vswin_cli.cli.app import run\n"
        f"assert run({arguments!r}) == 0\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout
    assert run.stderr == "[]\n"
