"""Converts downloads from other projects to the layout of the published Keras files."""

from pathlib import Path

from vswin_cli.conversion.matching import find_model_in
from vswin_cli.errors import CheckpointError, DownloadError, UsageError
from vswin_cli.network.checkpoint import save_checkpoint
from vswin_cli.system.files import open_fresh, share, sync_file, temporary_path
from vswin_cli.weights.cache import WeightsFile


def convert_download(target: WeightsFile) -> Path:
    """Convert the complete download; the caller must hold the lock.

    Every tensor is read, one at a time, and must belong to the model and be finite.

    Returns:
        The converted file, on disk, under a temporary name.

    Raises:
        CheckpointError: The file contains another model, or is damaged.
        DownloadError: There is not enough space in the folder.
        OSError: The folder is not writable.
    """
    model, download, temporary = target.model, target.partial_path, temporary_path(target.path)
    open_fresh(temporary).close()
    try:
        with find_model_in(download) as found:
            match = found.match
            if (match.architecture, match.num_classes) != (model.architecture, target.num_classes):
                raise CheckpointError(  # noqa: TRY301 - as those of `find_model_in`
                    f"it contains a {match.architecture.name} model with {match.num_classes} "
                    f"classes, not {model.architecture.name} with {target.num_classes}"
                )
            save_checkpoint(temporary, match.variables, model.architecture, target.num_classes)
        sync_file(temporary)
        share(temporary)
    except BaseException as exc:
        temporary.unlink(missing_ok=True)
        if isinstance(exc, CheckpointError | UsageError):
            reason = str(exc).replace(str(download), target.published.name)
            raise CheckpointError(f"{target.published.name} cannot be used: {reason}") from exc
        if isinstance(exc, RuntimeError):  # HDF5 reports a full disk as this
            raise DownloadError(f"cannot write {target.path}: {exc}; make room") from exc
        raise
    return temporary
