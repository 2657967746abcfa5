"""`vswin cache`: the model graphs that runs have kept, so that later ones start at once."""

import os
from pathlib import Path

import typer

from vswin_cli.cli.options import CacheDirOption
from vswin_cli.errors import OutputError, UsageError

LIMIT_VARIABLE = "VSWIN_CACHE_LIMIT_GB"
_DEFAULT_LIMIT_GB = 5.0

cache = typer.Typer(name="cache", help="Look at, or clear, the exported models kept for speed.")


def graph_cache_folder(cache_dir: Path | None) -> Path:
    """Name the folder of the exported graphs, inside that of the weights files."""
    from vswin_cli.system.cache_folder import cache_folder

    return cache_folder(cache_dir) / "graphs"


def graph_cache_limit_bytes() -> int:
    """Read how large the folder may grow.

    Raises:
        UsageError: VSWIN_CACHE_LIMIT_GB is not a number of at least 0.
    """
    value = os.environ.get(LIMIT_VARIABLE) or str(_DEFAULT_LIMIT_GB)
    try:
        limit_bytes = int(float(value) * 1e9)
    except (ValueError, OverflowError):
        limit_bytes = -1
    if limit_bytes < 0:
        raise UsageError(f"{LIMIT_VARIABLE}={value} is not a number of gigabytes; try 5")
    return limit_bytes


@cache.callback(invoke_without_command=True)
def _cache(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@cache.command()
def info(cache_dir: CacheDirOption = None) -> None:
    """Print the folder, what it holds, and how large it may grow."""
    from vswin_cli.engines.graph_cache import entries

    folder, limit_bytes = graph_cache_folder(cache_dir), graph_cache_limit_bytes()
    kept = entries(folder)
    for entry, num_bytes in kept:
        print(f"{num_bytes / 1e6:7.1f} MB  {entry.name}")
    total = sum(num_bytes for _, num_bytes in kept)
    print(f"{total / 1e6:7.1f} MB of at most {limit_bytes / 1e6:.0f} MB in {folder}")


@cache.command()
def clear(cache_dir: CacheDirOption = None) -> None:
    """Remove all exported models; the weights files stay."""
    from vswin_cli.engines.graph_cache import clear as clear_graphs

    folder = graph_cache_folder(cache_dir)
    try:
        freed = clear_graphs(folder)
    except OSError as exc:
        raise OutputError(f"cannot clear {folder}: {exc.strerror}; remove it yourself") from exc
    print(f"{freed / 1e6:.1f} MB freed in {folder}")
