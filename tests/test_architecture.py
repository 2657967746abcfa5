"""The rules of the package: imports only go downward, and light commands stay light."""

import ast
import functools
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "vswin_cli"

# A part may import parts below it, but not parts on the same line or above.
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


@functools.cache
def imported(module: str) -> set[str]:
    """List the modules that one imports from the package, also inside functions.

    The package itself passes on names of others, and imports none of them.
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


RUN = """
import sys
from vswin_cli.cli.app import run
slow = set(sys.argv[1].split())
for command in sys.argv[2:]:
    print("$", command, flush=True)
    assert run(command.split()) == 0
    assert not slow & set(sys.modules), f"{command}: {slow & set(sys.modules)}"
"""


def assert_not_imported(modules, commands):
    """Check that no command imports a module; all run in one process, where imports stay."""
    command = [sys.executable, "-c", RUN, " ".join(modules), *commands]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    outputs = re.split(r"^\$ .*\n", ran.stdout, flags=re.MULTILINE)[1:]
    assert len(outputs) == len(commands)
    assert all(outputs)


def test_help_imports_nothing_that_is_slow_to_import():
    commands = ("", "label", "predict", "weights list", "models", "search")
    helps = [f"{command} --help" for command in commands]
    assert_not_imported(HEAVY | {"pydantic", "rich", "requests"}, helps)


def test_light_commands_import_no_heavy_library():
    names = (
        "report",
        "evaluate",
        "convert",
        "export",
        "sort",
        "train",
        "download-weights",
        "cache",
    )
    helps = [f"{name} --help" for name in (*names, "weights")]
    light = ("--version", "models", "labels swin-t-k400", "weights list", "cache info")
    assert_not_imported(HEAVY, [*helps, *light])


def test_a_download_begins_without_libraries_that_only_its_end_needs():
    code = "import sys, vswin_cli.cli.downloads; print({'numpy', 'h5py'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("set()\n", "")
