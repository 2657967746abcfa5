"""The weights that a model needs: from the cache or a download, otherwise an error with advice."""

import logging
from collections.abc import Callable
from pathlib import Path

from vswin_cli.errors import CheckpointError, WeightsError, WeightsNotFoundError
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.files import file_sha256
from vswin_cli.weights.address import file_address
from vswin_cli.weights.cache import WeightsFile, weights_file
from vswin_cli.weights.pins import is_as_recorded, pinned_sha256
from vswin_cli.weights.watch import DownloadWatcher
from vswin_cli.zoo.models import AnyModel, BundledModel, CustomModel

_log = logging.getLogger(__name__)

FetchFile = Callable[[WeightsFile, str | None], None]  # (file, mirror); raises like `fetch`


def fetch_file(target: WeightsFile, mirror: str | None) -> None:
    """Download a file and log it; see `fetch`."""
    from vswin_cli.weights.fetch import Fetching, fetch  # noqa: PLC0415 - imports HTTP and HDF5

    size = size_of(target)
    _log.warning("%s: downloading %s (%s)", target.title, target.published.name, size)
    fetch(target, Fetching(mirror), DownloadWatcher())


def size_of(target: WeightsFile) -> str:
    """Describe the size of the published file."""
    about = "" if target.published.is_exact else "about "
    return f"{about}{target.published.num_bytes / 1e6:.0f} MB"


def find_or_fetch(
    model: AnyModel,
    *,
    cache_dir: Path | None,
    mirror: str | None,
    offline: bool,
    head: bool = True,
    fetch: FetchFile = fetch_file,
) -> Path:
    """Return the path of a model's weights, and download them if they are missing.

    An existing file is checked before use: quickly if it was verified before and has not changed,
    completely if it is new, has changed, or has a pinned SHA-256. A file that fails is renamed and
    downloaded again. The weights of a custom model are named in its model file, regardless of
    `head`, and must have the SHA-256 given there.

    Args:
        model: The model.
        cache_dir: Folder of weights; None is the default.
        mirror: Folder to download from; None is the default.
        offline: Never download.
        head: Whether the file has a head, if there are two files.
        fetch: Downloads a file.

    Raises:
        WeightsError: No usable weights exist, or they cannot be downloaded; the message names the
            file, its path and what to do.
        UsageError: The mirror or the file of sums is invalid.
    """
    if isinstance(model, BundledModel):
        return model.weights_path
    if isinstance(model, CustomModel):
        return _custom_weights(model)
    target = weights_file(model, cache_dir, head=head)
    pin = pinned_sha256(target)
    try:
        if not _is_usable(target, pin):
            is_brought = target.is_converted and target.brought_path.is_file()
            if offline and not is_brought:
                _verify_again(target, pin)
            else:
                fetch(target, target.folder.absolute().as_uri() if offline else mirror)
    except WeightsError as exc:
        address = without_credentials(file_address(target.published, mirror))
        raise type(exc)(
            f"cannot get the weights of {target.title}: {exc}; {_ways_out(target, address)}"
        ) from exc
    return target.path


def _custom_weights(model: CustomModel) -> Path:
    path = model.weights_path
    try:
        sha256 = file_sha256(path)
    except FileNotFoundError as exc:
        raise WeightsNotFoundError(
            f"no weights {path}, which the model file {model.path} names; put them there, or "
            "convert again"
        ) from exc
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise WeightsError(f"cannot read weights {path} of {model.path}: {reason}") from exc
    if sha256 != model.sha256:
        raise CheckpointError(
            f"weights {path} are not those of the model file {model.path}: their SHA-256 is "
            f"{sha256[:12]}…, not {model.sha256[:12]}…; convert again, or correct the file"
        )
    return path


def _is_usable(target: WeightsFile, pin: str | None) -> bool:
    if not target.is_here:
        return False
    if pin is None and is_as_recorded(target):
        return True  # known without HDF5

    from vswin_cli.weights.verify import check_for_use  # noqa: PLC0415

    try:
        check_for_use(target, pin=pin)
    except CheckpointError:
        return False
    return True


def _verify_again(target: WeightsFile, pin: str | None) -> None:
    """Verify a file, and rename it if it is damaged."""
    if not target.is_here:
        raise WeightsNotFoundError(
            f"{target.published.name} is not in {target.folder}, and --offline or VSWIN_OFFLINE "
            "forbids downloads"
        )
    from vswin_cli.weights.verify import verify_again  # noqa: PLC0415

    verify_again(target, pin=pin, watcher=DownloadWatcher())


def _ways_out(target: WeightsFile, address: str) -> str:
    size = size_of(target)
    return (
        f"put {address} ({size}) into {target.folder} yourself, or give --weights FILE, "
        "--mirror URL, or VSWIN_CACHE=FOLDER"
    )
