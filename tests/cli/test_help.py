"""`--help` at any width, and tables on narrow terminals."""

import io
import re

import pytest
from command import SAMPLES
from rich.console import Console
from rich.table import Table

from vswin_cli.cli.app import COMMANDS, run
from vswin_cli.cli.help import _imported, as_command
from vswin_cli.formats.tables import print_table

ALL = [
    f"{name} {inner}".strip()
    for names in COMMANDS.values()
    for name in names
    for inner in getattr(as_command(name, _imported(name)), "commands", [""])
]


@pytest.fixture
def shown(monkeypatch, capsys):
    """Return the lines of a command's help at a width."""

    def lines(command, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert run([*command.split(), "--help"]) == 0
        return capsys.readouterr().out.splitlines()

    return lines


@pytest.mark.parametrize("command", ALL)
def test_every_help_fits_its_terminal_and_ends_in_examples(shown, command):
    wide = shown(command, 80)
    assert all(len(line) <= 80 for line in wide)
    assert not any("<" in line and "<bool>" in line for line in wide)
    examples = wide[wide.index("Examples:") + 1 :]
    assert 2 <= len(examples) <= 3
    assert all(f"vswin {command.split()[0]}" in line for line in examples)
    is_group = any(line == "Commands:" for line in wide)
    assert is_group or any(line.startswith("  -q, --quiet ") for line in wide)
    narrow = shown(command, 40)
    assert all(len(line) <= 40 for line in narrow[: narrow.index("Examples:")])
    assert not any(re.search(r"\w-$", line) for line in (*wide, *narrow))  # `--top-` and `k`


def test_formats_of_files_are_those_that_can_be_written_to_files(shown):
    assert "One of table, json, jsonl" in " ".join(" ".join(shown("predict", 80)).split())
    for command in ("label", "evaluate"):
        assert "One of json, jsonl, csv" in " ".join(" ".join(shown(command, 80)).split())


def test_options_stand_in_panels_with_their_variables(shown):
    lines = shown("label", 80)
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == [
        *("Arguments:", "Output:", "Model:", "Views:", "Videos:", "Run:", "Cluster:", "Examples:"),
    ]
    text = " ".join(" ".join(lines).split())
    assert "-m, --model NAME Model name" in text
    assert "[env var: VSWIN_MODEL; default: swin-n-motion]" in text
    assert "One of auto, openvino, tensorflow, jax, torch." in text
    assert "x>=" not in text


def test_columns_of_the_environment_are_the_width_of_what_is_piped(vswin):
    table = vswin("models", COLUMNS="40").stdout.splitlines()
    assert all(len(line) <= 40 for line in table[: table.index("torchvision:")])
    assert "classes" not in table[0]
    assert any(line.split() == ["swin-b-k400-in22k-torchvision", "no"] for line in table)
    assert "classes" in vswin("models", COLUMNS="").stdout.splitlines()[0]


def test_a_narrow_table_of_segments_keeps_their_labels(vswin):
    table = vswin("timeline", SAMPLES / "zoom_in.mp4", "-q", COLUMNS="30").stdout.splitlines()
    assert ["start", "end", "label"] in [line.split() for line in table]
    assert ["0:00.0", "0:03.0", "zoom", "in"] in [line.split() for line in table]


@pytest.mark.parametrize(
    ("width", "kept"), [(80, ["rank", "label", "probability", "bar"]), (50, None), (22, ["label"])]
)
def test_a_narrow_table_drops_its_bar_then_its_numbers_never_the_label(width, kept):
    table = Table(box=None, pad_edge=False)
    for title in ("rank", "label", "probability", "bar"):
        table.add_column(title, no_wrap=title != "label")
    table.add_row("1", "playing a long guitar", "0.5000", "━" * 20)
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, color_system=None)
    print_table(console, table, drop=(3, 2, 0))
    header, row = stream.getvalue().splitlines()
    assert header.split() == (kept or ["rank", "label", "probability"])
    assert "playing a long guitar" in row
