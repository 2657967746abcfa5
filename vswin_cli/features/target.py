"""The features file of a run, what stands beside it while it grows, and its making at the end."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.features.embeddings import Content, Embeddings
from vswin_cli.features.files import Form, form_of
from vswin_cli.features.origin import Origin
from vswin_cli.runs.output_lock import lock_path, locked_output
from vswin_cli.system.files import replacing, temporary_path


class FeaturesTarget:
    """Where a run's features go.

    Beside `features.npz` stand `features.npz.embedding.jsonl`, the journal, and
    `features.npz.embedding.rows`, the rows; both are needed to continue.

    Args:
        output: The file; its extension is its format.
        resume: Whether a run continues what is there.
        option: The option that names it.

    Raises:
        UsageError: Its folder is missing, the extension is none of `Form`, pyarrow is missing, or
            there is a file that no run can continue.
    """

    def __init__(self, output: Path, *, resume: bool, option: str = "--output") -> None:
        self.output = output
        self._form = form_of(output, option)
        self._real = Path(os.path.realpath(output))
        if not self._real.parent.is_dir():
            raise UsageError(f"{option} {output}: no folder {self._real.parent}; make it first")
        self.journal_path = self._beside("", ".embedding.jsonl")
        self.store_path = self._beside("", ".embedding.rows")
        if resume and self._real.exists() and not self.journal_path.exists():
            raise UsageError(
                f"{output} is there, but not its journal {self.journal_path.name} to continue "
                f"from; give --no-resume to replace it, or choose another {option}"
            )

    def locked(self) -> AbstractContextManager[None]:
        """Keep other runs off this output; see `locked_output`."""
        return locked_output(self.output)

    def is_own(self, path: str) -> bool:
        """Whether an absolute path is one of the files that a run writes."""
        beside = (lock_path(self.output), temporary_path(self._real))
        own = (self._real, self.journal_path, self.store_path, *beside)
        return Path(os.path.realpath(path)) in own

    @contextmanager
    def opened(self, origin: Origin, *, resume: bool) -> Iterator[Embeddings]:
        """Open what has been computed so far; under the lock alone.

        Raises:
            UsageError, OutputError: As `Embeddings`.
        """
        embeddings = Embeddings(self.journal_path, self.store_path, origin, resume=resume)
        with closing(embeddings):
            yield embeddings

    def finish(self, embeddings: Embeddings, videos: Sequence[str]) -> None:
        """Write the file, in the order of the videos.

        Raises:
            OutputError: It cannot be written.
        """
        content = embeddings.content(videos)
        try:
            with replacing(self._real) as temporary:
                self._write(temporary, content)
        except OSError as exc:
            raise OutputError(
                f"cannot write {self.output}: {exc.strerror or exc}; free some space and run again"
            ) from exc

    def _write(self, path: Path, content: Content) -> None:
        if self._form is Form.NPZ:
            from vswin_cli.features.npz_writer import write_npz  # noqa: PLC0415

            write_npz(path, content)
        else:
            # The extra need not be installed.
            from vswin_cli.features.parquet_writer import write_parquet  # noqa: PLC0415

            write_parquet(path, content)

    def _beside(self, before: str, after: str) -> Path:
        return self._real.with_name(f"{before}{self._real.name}{after}")
