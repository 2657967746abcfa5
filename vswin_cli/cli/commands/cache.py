"""`vswin cache`: show or clear exported models, which let later runs start at once."""

from vswin_cli.cli.help import PlainCommand, subcommands
from vswin_cli.cli.options import CacheDirOption, QuietOption
from vswin_cli.errors import OutputError
from vswin_cli.system.terminal import printable

cache = subcommands("cache", "Show or clear the exported models that are kept for speed.")


@cache.command(cls=PlainCommand)
def info(cache_dir: CacheDirOption = None, quiet: QuietOption = False) -> None:
    """Show the folder, its contents and its size limit.

    Examples:
        vswin cache info
        vswin cache info --cache-dir /srv/vswin
    """
    from vswin_cli.engines.graph_cache import entries, graph_folder, graph_limit_bytes

    folder, limit_bytes = graph_folder(cache_dir), graph_limit_bytes()
    try:
        kept = entries(folder)
    except OSError as exc:
        raise OutputError(f"cannot read {folder}: {exc.strerror}; check its permissions") from exc
    for entry, num_bytes in kept:
        print(f"{num_bytes / 1e6:7.1f} MB  {printable(entry.name)}")
    total = sum(num_bytes for _, num_bytes in kept)
    print(
        f"{total / 1e6:7.1f} MB of at most {limit_bytes / 1e6:.0f} MB in {printable(str(folder))}"
    )


@cache.command(cls=PlainCommand)
def clear(cache_dir: CacheDirOption = None, quiet: QuietOption = False) -> None:
    """Remove all exported models; weights files stay.

    Examples:
        vswin cache clear
        vswin cache clear --cache-dir /srv/vswin
    """
    from vswin_cli.engines import graph_cache

    folder = graph_cache.graph_folder(cache_dir)
    try:
        freed = graph_cache.clear(folder)
    except OSError as exc:
        raise OutputError(f"cannot clear {folder}: {exc.strerror}; remove it yourself") from exc
    if not quiet:
        print(f"{freed / 1e6:.1f} MB freed in {printable(str(folder))}")
