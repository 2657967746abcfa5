"""The weights a command needs: from the cache, else downloaded, else an error with ways out."""

from pathlib import Path

from vswin_cli.errors import CheckpointError, WeightsError, WeightsNotFoundError
from vswin_cli.system.files import file_sha256
from vswin_cli.weights.address import file_address, shown
from vswin_cli.weights.cache import WeightsFile, weights_file
from vswin_cli.weights.pins import is_as_recorded, pinned_sha256
from vswin_cli.zoo.models import AnyModel, BundledModel, CustomModel


def find_or_fetch(
    model: AnyModel, *, cache_dir: Path | None, mirror: str | None, offline: bool, top: bool = True
) -> Path:
    """Return the file of a model's weights, downloading it if it is not here.

    A file that is there is checked before it is used: in a moment where it was verified before and
    has not changed since, whole where it is new, has changed, or has a pinned SHA-256. One that
    fails is kept aside and fetched again. That of a model of the user's is the one of its model
    file, whatever `top` is, and must have the SHA-256 that is given there.

    Raises:
        WeightsError: There is none that may be used, or it cannot be downloaded; the message names
            the file, its place and the ways out.
        UsageError: The mirror or the file of sums makes no sense.
    """
    if isinstance(model, BundledModel):
        return model.weights_path
    if isinstance(model, CustomModel):
        return _own_weights(model)
    target = weights_file(model, cache_dir, top=top)
    pin = pinned_sha256(target)
    try:
        if not _is_usable(target, pin):
            _fetch(target, pin, mirror, offline)
    except WeightsError as exc:
        address = shown(file_address(target.published, mirror))
        raise type(exc)(
            f"cannot get the weights of {target.title}: {exc}; {_ways_out(target, address)}"
        ) from exc
    return target.path


def _own_weights(model: CustomModel) -> Path:
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

    from vswin_cli.weights.verify import check_for_use

    try:
        check_for_use(target, pin=pin)
    except CheckpointError:
        return False
    return True


def _fetch(target: WeightsFile, pin: str | None, mirror: str | None, offline: bool) -> None:
    """Bring the file into the cache; what is there is known to fail."""
    if offline and not target.is_here:
        raise WeightsNotFoundError(
            f"{target.published.name} is not in {target.folder}, and --offline or VSWIN_OFFLINE "
            "forbids to download it"
        )
    if offline:
        from vswin_cli.cli.saying import Saying
        from vswin_cli.weights.verify import verify_again

        verify_again(target, pin=pin, watcher=Saying())
        return

    from vswin_cli.cli.downloads import fetch_all
    from vswin_cli.weights.fetch import Fetching

    error = fetch_all([target], Fetching(mirror), brief=True)[target]
    if error is not None:
        raise error


def _ways_out(target: WeightsFile, address: str) -> str:
    size = f"{target.published.num_bytes / 1e6:.0f} MB"
    return (
        f"put {address} ({size}) into {target.folder} yourself, or give --weights FILE, "
        "--mirror URL, or VSWIN_CACHE=FOLDER"
    )
