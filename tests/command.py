"""The command, called in this process or run as installed; and the sample videos."""

import functools
import hashlib
import logging
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from unittest import mock

from apart import Apart
from filelock import FileLock

from vswin_cli.__main__ import _write_in_any_encoding
from vswin_cli.cli.app import run
from vswin_cli.engines.graph_cache import graph_folder
from vswin_cli.engines.registry import load_engine

VSWIN = Path(sys.executable).with_name("vswin")
SAMPLES = Path(__file__).parents[1] / "sample_videos"


def surroundings(cache, **variables):
    """Return the environment of a command with this cache folder and nothing else."""
    offline = {"VSWIN_CACHE": str(cache), "VSWIN_OFFLINE": "1", "COLUMNS": "80"}
    return {**os.environ, **offline, **variables}


def finished(command, **options):
    """Run a command to its end; its output is text, also with invalid names."""
    return subprocess.run(
        _words(command),
        **{"capture_output": True, "text": True, "errors": "surrogateescape", **options},
    )


def called(
    arguments: Sequence[object],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: bytes = b"",
    stdout: Path | None = None,
    kept_cache: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Call the command in this process, which saves a start and loading a model again.

    Its output, including that of native libraries, and its exit code are those of a process. When
    it returns, working folder, environment, streams and logging are as before.

    Args:
        arguments: Arguments after `vswin`.
        cwd: Working folder.
        env: The whole environment; PYTHONIOENCODING works, other variables for Python's start do
            not.
        stdin: Content of standard input.
        stdout: A file for standard output.
        kept_cache: A cache folder; engines with graphs in it are loaded once, and compute equal
            views once.
    """
    words = _words(["vswin", *arguments])
    with ExitStack() as undoing:
        given, out, err = (undoing.enter_context(TemporaryFile()) for _ in range(3))
        given.write(stdin)
        given.seek(0)
        shown = undoing.enter_context(stdout.open("wb")) if stdout else out
        encoding = env.get("PYTHONIOENCODING", "utf-8")
        with _streams(given, shown, err, encoding), _fresh_logging(), warnings.catch_warnings():
            _warn_as_python_does()
            with (
                chdir(cwd),
                mock.patch.dict(os.environ, env, clear=True),
                mock.patch.object(sys, "argv", words),
                mock.patch(
                    "vswin_cli.api.model.load_engine",
                    functools.partial(load_kept_engine, kept_cache=kept_cache),
                ),
            ):
                code = _exit_code(words[1:])
        texts = [_content(stream).decode("utf-8", "surrogateescape") for stream in (out, err)]
    return subprocess.CompletedProcess(words, code, *texts)


def _words(command: Sequence[object]) -> list[str]:
    return [os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in command]


def _exit_code(arguments: list[str]) -> int:
    try:
        return run(arguments)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except Exception:
        traceback.print_exc()
        return 1


@contextmanager
def _streams(stdin, stdout, stderr, encoding: str) -> Iterator[None]:
    """Connect the standard streams, Python's and native ones, to these files."""
    with ExitStack() as undoing:
        for number, file in enumerate((stdin, stdout, stderr)):
            kept = os.dup(number)
            undoing.callback(os.close, kept)
            undoing.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
        for number, (name, mode, errors) in enumerate(
            (("stdin", "r", None), ("stdout", "w", None), ("stderr", "w", "backslashreplace"))
        ):
            stream = open(  # noqa: SIM115
                number, mode, encoding=encoding, errors=errors, closefd=False
            )
            undoing.callback(_close, stream)
            undoing.enter_context(mock.patch.object(sys, name, stream))
        sys.stderr.reconfigure(line_buffering=True)
        _write_in_any_encoding()
        yield


def _close(stream) -> None:
    with suppress(OSError):  # a full disk loses output, as at the end of a process
        stream.close()


def _content(stream) -> bytes:
    stream.seek(0)
    return stream.read()


@contextmanager
def _fresh_logging() -> Iterator[None]:
    """Let logging be set up again, as at the start of a process."""
    loggers = [logging.getLogger(), logging.getLogger("vswin_cli")]
    before = [(logger, logger.handlers[:], logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = []
    try:
        yield
    finally:
        for logger, handlers, level in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)


def _warn_as_python_does() -> None:
    """Print warnings as outside of tests."""
    warnings.resetwarnings()
    for category in (
        DeprecationWarning,
        PendingDeprecationWarning,
        ImportWarning,
        ResourceWarning,
    ):
        warnings.simplefilter("ignore", category)

    def show(message, category, filename, lineno, file=None, line=None):
        print(warnings.formatwarning(message, category, filename, lineno), file=sys.stderr)

    warnings.showwarning = show


def load_kept_engine(model, weights_file, *, kept_cache, **options):
    """Load an engine; Keras, with one backend per process, stays unchanged."""
    from vswin_cli.engines import openvino as openvino_engine

    options["spares_keras"] = True
    with mock.patch.object(openvino_engine, "_export_elsewhere", _export_apart):
        return _load_or_keep_engine(model, weights_file, kept_cache=kept_cache, **options)


def _load_or_keep_engine(model, weights_file, *, kept_cache, **options):
    options["cache_folder"] = options["cache_folder"].resolve()  # caches may share it
    is_kept = options["cache_folder"] == graph_folder(kept_cache).resolve()
    is_kept = is_kept and os.path.isfile(weights_file)  # noqa: PTH113 - it may be no path at all
    if not is_kept or logging.getLogger("vswin_cli").isEnabledFor(logging.INFO):  # logs choices
        return load_engine(model, weights_file, **options)
    content = weights_file.stat()
    key = (content.st_ino, content.st_size, content.st_mtime_ns)
    with FileLock(f"{kept_cache}.lock"):  # so that two test workers export no graph twice
        return _kept_engine(model, weights_file, key, **options)


@functools.lru_cache(maxsize=16)
def _kept_engine(model, weights_file, _content, **options):
    engine = load_engine(model, weights_file, **options)
    engine.start = _remembering(engine.start)
    return engine


def _remembering(start):
    """Compute equal batches once: most tests are about the same sample videos."""
    known = {}

    def start_or_remember(views):
        content = hashlib.sha1(views).digest()
        if content in known:
            return lambda: known[content]
        pending = start(views)

        def wait():
            known[content] = pending()
            return known[content]

        return wait

    return start_or_remember


_exporting = Apart()  # Keras takes seconds to import


def _export_apart(*what):
    """Export like the process that an engine starts for a graph."""
    from vswin_cli.engines.openvino import openvino

    with TemporaryDirectory() as folder:
        files = Path(folder, "model.xml"), Path(folder, "model.bin")
        _exporting(_write_graph, Path.cwd(), *what, *files)
        return openvino.Core().read_model(*files)


def _write_graph(folder, *what):
    from vswin_cli.engines.openvino import _export, openvino

    *what, graph, constants = what
    with chdir(folder):
        openvino.serialize(_export(*what), graph, constants)
