"""`vswin download-weights`: download published checkpoints into the cache."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from vswin_cli.cli.messages import print_error, print_path
from vswin_cli.cli.options import (
    CacheDirOption,
    MirrorOption,
    NoHeadOption,
    OptionalModelsArgument,
    QuietOption,
    YesOption,
)
from vswin_cli.errors import UsageError
from vswin_cli.zoo.models import PUBLISHED_MODELS, model_names

if TYPE_CHECKING:
    from vswin_cli.weights.cache import WeightsFile


def download_weights(
    models: OptionalModelsArgument = None,
    no_head: NoHeadOption = False,
    cache_dir: CacheDirOption = None,
    mirror: MirrorOption = None,
    sha256: Annotated[
        str | None,
        typer.Option(
            "--sha256",
            metavar="HEX",
            help="Required SHA-256 for a single MODEL. For several, VSWIN_SHA256SUMS names a file "
            "of sums.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Download existing files again.")] = False,
    num_jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, metavar="N", help="Concurrent downloads.")
    ] = 2,
    timeout_seconds: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=0.1,
            max=86_400,
            metavar="SECONDS",
            help="Time to wait for a server that sends nothing.",
        ),
    ] = 10.0,
    yes: YesOption = False,
    quiet: QuietOption = False,
) -> None:
    """Download the weights of models, verify them, and keep them in the cache folder.

    Without MODEL, download the six Keras files, converted from the original project's. Checkpoints
    of other projects are converted. Complete files are not downloaded again, and interrupted
    downloads continue. The paths of the files are printed. The exit code is 0 if all files are in
    the cache, 1 if any is not, 2 for wrong usage.

    Examples:
        vswin download-weights swin-t-k400
        vswin download-weights --yes --cache-dir /srv/vswin
        vswin download-weights swin-b-k400 --mirror file:///srv/weights
    """
    from vswin_cli.system.cache_folder import cache_folder, is_passing
    from vswin_cli.weights.cache import weights_file
    from vswin_cli.zoo.catalog import find_downloaded_model

    if is_passing(cache_folder(cache_dir)):
        raise UsageError("no home folder to keep weights in; give a folder with --cache-dir")
    names = list(dict.fromkeys(models or model_names(PUBLISHED_MODELS)))
    targets = [
        weights_file(find_downloaded_model(name, cache_dir), cache_dir, head=not no_head)
        for name in names
    ]
    if sha256 is not None and len(targets) != 1:
        raise UsageError("--sha256 is for a single file; give one MODEL")

    from vswin_cli.weights.address import file_address
    from vswin_cli.weights.pins import demanded_sha256, parse_sha256

    pin = parse_sha256(sha256) if sha256 is not None else None
    for target in targets:  # wrong usage is reported before any download
        file_address(target.published, mirror)
        demanded_sha256(target, pin)
    if not models and not yes and sys.stdin.isatty() and sys.stderr.isatty():
        _ask(targets, force)

    from vswin_cli.cli.downloads import fetch_all
    from vswin_cli.weights.fetch import Fetching

    fetching = Fetching(mirror, pin, force, timeout_seconds)
    outcomes = fetch_all(targets, fetching, num_jobs=num_jobs, quiet=quiet)
    for target, error in outcomes.items():
        if error is None:
            print_path(target.path)
        else:
            print_error(f"cannot get the weights of {target.title}: {error}")
    if any(outcomes.values()):
        raise typer.Exit(1)


def _ask(targets: "list[WeightsFile]", force: bool) -> None:
    """List the files and ask the user to confirm, if there is anything to download."""
    from vswin_cli.weights.needed import size_of

    num_bytes = 0
    for target in targets:
        is_here = target.is_here and not force
        num_bytes += 0 if is_here else target.published.num_bytes
        state = "here already" if is_here else ""
        size = size_of(target)
        typer.echo(f"{target.model.name:18} {size:>7}  {state}".rstrip(), err=True)
    total = sum(target.published.num_bytes for target in targets)
    typer.echo(f"{'together':18} {total / 1e6:.0f} MB, in {targets[0].folder}", err=True)
    if num_bytes and not typer.confirm(
        f"Download {num_bytes / 1e9:.1f} GB?", default=True, err=True
    ):
        raise typer.Exit(1)
