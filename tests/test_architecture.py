"""The package's own rules: imports go downward only, and light commands stay light."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vswin_cli"

# A part may import those below it, never its siblings on the same line or those above.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"api"},
    {"training", "shards"},
    {"evaluation", "features", "benchmark", "export", "timeline", "diagnosis"},
    {"pages"},
    {"runs"},
    {"classify", "formats", "weights"},
    {"conversion"},
    {"views", "films"},
    {"video", "engines"},
    {"network"},
    {"zoo"},
    {"results", "sources"},
    {"errors", "system"},
    {"__init__"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
HEAVY = {
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "openvino",
    "cv2",
    "decord",
    "av",
    "fsspec",
    "h5py",
    "numpy",
}


def name_of(path: Path) -> str:
    """`vswin_cli/views/views.py` is `vswin_cli.views.views`; a package is its `__init__`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def part_of(module: str) -> str:
    """`vswin_cli.views.views` belongs to `views`; the package itself is `__init__`."""
    return [*module.split("."), "__init__"][1]


def imported(module: str) -> set[str]:
    """The modules of the package that one imports, inside its functions too.

    The package itself hands the names of others on, and imports none of them.
    """
    if module == "vswin_cli":
        return set()
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.add(name if name in MODULES else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(MODULES)


def test_imports_go_downward_only():
    for module in MODULES:
        own = part_of(module)
        for part in {part_of(name) for name in imported(module)} - {own}:
            assert LEVEL[part] > LEVEL[own], f"{module} must not import {part}"


def test_no_file_is_longer_than_300_lines():
    lengths = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert not {module for module, length in lengths.items() if length > 300}


def test_no_modules_import_each_other():
    TopologicalSorter({module: imported(module) for module in MODULES}).prepare()


def test_nothing_outside_the_package_imports_the_command_line_but_tests_and_pages_of_it():
    for folder in ("benchmarks", "tools"):
        for path in (PACKAGE.parent / folder).rglob("*.py"):
            assert path.name == "site_pages.py" or "vswin_cli.cli" not in path.read_text(), path


def test_commands_do_not_import_each_other():
    commands = {module for module in MODULES if module.startswith("vswin_cli.cli.commands.")}
    assert not {other for module in commands for other in imported(module) & commands}


@pytest.mark.parametrize("command", ["", "label", "predict", "weights list", "models", "search"])
def test_help_imports_nothing_that_is_slow_to_import(command):
    code = (
        "import sys\n"
        "from vswin_cli.cli.app import run\n"
        f"assert run([*{command!r}.split(), '--help']) == 0\n"
        f"print(sorted({HEAVY | {'pydantic', 'rich', 'requests'}!r} & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


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
        ["export", "--help"],
        ["sort", "--help"],
        ["train", "--help"],
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
