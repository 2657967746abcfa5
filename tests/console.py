"""The console blocks of the documentation: found, run, and compared with their output.

A block of a page is fenced as `console`. Lines that begin with `$ ` are its commands, each followed
by its output. All blocks of a page run in order in one folder, which starts with a copy of
`sample_videos`. In a block, a line `...` stands for any lines, and `...` within a line for any
text. Times may differ, other decimal numbers by 0.02, and columns in their width.

Before a block, a comment `<!-- first: COMMAND -->` runs a command that the page does not show; the
command `stand-in NAME` makes a file or a server for tests in place of a published or real one.
`<!-- measured: WHERE -->` lets all numbers of a block differ.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from command import called, finished

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(
    r"(?P<comments>(?:^ *<!-- (?:first|measured): .*? -->\n+)*)"
    r"^(?P<indent> *)```console\n(?P<body>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"<!-- (?P<kind>first|measured): (?P<text>.*?) -->", re.DOTALL)
_NUMBER = re.compile(r"\d+(\.\d+)?")
_PROGRESS = re.compile(r"\[\d+/\d+\] ")
_TOLERANCE = 0.02


def name_of(page: Path) -> str:
    """Return the path of a page in the repository."""
    return str(page.relative_to(ROOT))


@dataclass
class Shown:
    """A command and the lines below it."""

    command: str
    output: list[str] = field(default_factory=list)


@dataclass
class Block:
    """A console block: its place, its comments and its content."""

    line: int
    first: list[str]
    is_measured: bool  # whether all numbers depend on the machine
    commands: list[Shown]


def blocks_of(text: str) -> Iterator[Block]:
    """Find the blocks of a page."""
    for match in _FENCE.finditer(text):
        comments = [(m["kind"], m["text"]) for m in _COMMENT.finditer(match["comments"])]
        commands: list[Shown] = []
        for line in match["body"].splitlines():
            shown = line.removeprefix(match["indent"])
            if shown.startswith("$ "):
                commands.append(Shown(shown[2:]))
            else:
                assert commands, f"a console block begins with output: {line}"
                commands[-1].output.append(shown)
        yield Block(
            line=text.count("\n", 0, match.start("body")) + 1,
            first=[text for kind, text in comments if kind == "first"],
            is_measured=any(kind == "measured" for kind, _ in comments),
            commands=commands,
        )


class Console:
    """Runs commands in a folder, `vswin` in this process.

    `stand_in` returns the file for a name, or the address to use in place of one.
    """

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        cache: Path,
        stand_in: Callable[[str], Path | str],
    ):
        self._folder = folder
        self._environment = environment
        self._cache = cache
        self._stand_in = stand_in
        self._addresses: dict[str, str] = {}

    def run(self, command: str) -> tuple[str, str]:
        """Run a command line; return standard output and standard error, as on the page."""
        for shown, address in self._addresses.items():
            command = command.replace(shown, address)
        out, err = self._run(command)
        for shown, address in self._addresses.items():
            out, err = (text.replace(address, shown) for text in (out, err))
        return out, err

    def _run(self, command: str) -> tuple[str, str]:
        if command.startswith("stand-in "):
            name = command.removeprefix("stand-in ")
            made = self._stand_in(name)
            if isinstance(made, str):
                self._addresses[name] = made
            else:
                (self._folder / name).symlink_to(made)
            return "", ""
        environment = dict(self._environment)
        while match := re.match(r"([A-Z_0-9]+)=(\S+) ", command):
            environment[match[1]] = match[2]
            command = command[match.end() :]
        own, pipe, rest = command.partition(" | ")
        if not own.startswith("vswin "):
            return self._by_shell(command, environment, "")
        own, into, file = own.partition(" > ")
        done = called(
            [word for word in shlex.split(own)[1:] for word in self._expanded(word)],
            cwd=self._folder,
            env=environment,
            stdout=self._folder / file if into else None,
            kept_cache=self._cache,
        )
        if not pipe:
            return done.stdout, done.stderr
        out, err = self._by_shell(rest, environment, done.stdout)
        return out, done.stderr + err

    def _expanded(self, word: str) -> list[str]:
        if "*" not in word:
            return [word]
        found = sorted(self._folder.glob(word))
        return [str(path.relative_to(self._folder)) for path in found] or [word]

    def _by_shell(self, command: str, environment: dict[str, str], text: str) -> tuple[str, str]:
        done = finished(["bash", "-c", command], cwd=self._folder, env=environment, input=text)
        return done.stdout, done.stderr


def matches(shown: list[str], printed: list[str], *, measured: bool = False) -> bool:
    """Return whether the output of a command matches a block.

    Lines like `[3/10] clip.mp4: …`, which a run prints for finished videos, may be in any order.

    Args:
        shown: Lines in the block.
        printed: Lines that the command printed.
        measured: Whether all numbers may differ.
    """
    if measured:
        shown, printed = ([_NUMBER.sub("0", line) for line in lines] for lines in (shown, printed))
    done = [_PROGRESS.sub("", line) for line in printed if _PROGRESS.match(line)]
    for line in shown:
        if _PROGRESS.match(line):
            same = [each for each in done if _is_line(_PROGRESS.sub("", line), each)]
            if not same:
                return False
            done.remove(same[0])
    if done and "..." not in shown:
        return False
    return _match(*([x for x in lines if not _PROGRESS.match(x)] for lines in (shown, printed)))


def _match(shown: list[str], printed: list[str]) -> bool:
    if not shown:
        return not printed
    if shown[0].strip() == "...":
        return any(_match(shown[1:], printed[skipped:]) for skipped in range(len(printed) + 1))
    return bool(printed) and _is_line(shown[0], printed[0]) and _match(shown[1:], printed[1:])


def _is_line(shown: str, printed: str) -> bool:
    shown, printed = (re.sub(r"\s\s+", "  ", line.rstrip()) for line in (shown, printed))
    pattern, decimals = "", []
    for part in re.split(r"(\.\.\.|\d+(?:\.\d+)? m?s\b|\d+\.\d+(?![.\d]))", shown):
        if part == "...":
            pattern += ".*?"
        elif re.fullmatch(r"[\d.]+ m?s", part):
            pattern += r"[\d.]+ m?s"
        elif re.fullmatch(r"\d+\.\d+", part):
            pattern += r"(\d+\.\d+)"
            decimals.append(float(part))
        else:
            pattern += re.escape(part)
    match = re.fullmatch(pattern, printed)
    return match is not None and all(
        abs(float(found) - decimal) <= _TOLERANCE
        for found, decimal in zip(match.groups(), decimals, strict=True)
    )


def lines_of(out: str, err: str) -> list[str]:
    """Return the lines on a terminal, for a command that reports first and prints results last."""
    return (err + out).rstrip("\n").splitlines()
