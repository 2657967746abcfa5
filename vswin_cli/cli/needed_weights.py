"""The weights a command needs: from the cache, else downloaded, else an error with ways out."""

from pathlib import Path

from vswin_cli.errors import DownloadError, WeightsNotFoundError
from vswin_cli.weights.address import file_address, shown
from vswin_cli.weights.cache import WeightsFile, weights_file
from vswin_cli.weights.pins import pinned_sha256
from vswin_cli.zoo.models import AnyModel, BundledModel


def find_or_fetch(
    model: AnyModel, *, cache_dir: Path | None, mirror: str | None, offline: bool, top: bool = True
) -> Path:
    """Return the file of a model's weights, downloading it if it is not here.

    A file that is there is taken as it is: reading it checks its structure and its numbers. Only
    where its SHA-256 is pinned is it verified first, since that is what a pin is for.

    Raises:
        WeightsNotFoundError: It is not in the cache, and may not be downloaded.
        DownloadError: It could not be downloaded.
        CheckpointError: What was downloaded, or is there, does not verify.
    """
    if isinstance(model, BundledModel):
        return model.weights_path
    target = weights_file(model, cache_dir, top=top)
    pin = pinned_sha256(target)
    is_here = target.path.is_file()
    if is_here and pin is None:
        return target.path
    if offline and is_here:
        from vswin_cli.weights.verify import verify_again
        from vswin_cli.weights.watch import Watcher

        verify_again(target, pin=pin, watcher=Watcher())
        return target.path
    address = shown(file_address(target.published, mirror))
    if offline:
        raise WeightsNotFoundError(
            f"no weights of {target.title}: {target.published.name} is not in {target.folder}, "
            f"and --offline or VSWIN_OFFLINE forbids to download it; {_ways_out(target, address)}"
        )

    from vswin_cli.cli.downloads import fetch_all
    from vswin_cli.weights.fetch import Fetching

    error = fetch_all([target], Fetching(mirror), num_jobs=1)[target]
    if isinstance(error, DownloadError):
        raise DownloadError(
            f"cannot get the weights of {target.title}: {error}; {_ways_out(target, address)}"
        ) from error
    if error is not None:
        raise error
    return target.path


def _ways_out(target: WeightsFile, address: str) -> str:
    size = f"{target.published.num_bytes / 1e6:.0f} MB"
    return (
        f"put {address} ({size}) into {target.folder} yourself, or give --weights FILE, "
        "--mirror URL, or VSWIN_CACHE=FOLDER"
    )
