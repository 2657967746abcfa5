"""`vswin weights`: list, verify, locate and remove downloaded weights."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from vswin_cli.cli.help import PlainCommand, subcommands
from vswin_cli.cli.messages import print_error, print_path
from vswin_cli.cli.options import (
    CacheDirOption,
    NoHeadOption,
    OptionalModelsArgument,
    QuietOption,
    TableOrJsonOption,
    YesOption,
    complete_model,
)
from vswin_cli.errors import VswinError
from vswin_cli.system.terminal import printable

weights = subcommands("weights", "List, verify, locate and remove downloaded weights.")

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Model name.", autocompletion=complete_model)
]


@weights.command("list", cls=PlainCommand)
def list_weights(
    no_head: NoHeadOption = False,
    cache_dir: CacheDirOption = None,
    output_format: TableOrJsonOption = "table",
    quiet: QuietOption = False,
) -> None:
    """List the weights in the cache folder, without checking them.

    Files without the head are listed if there are any, or with --no-head.

    Examples:
        vswin weights list
        vswin weights list --no-head --format json
    """
    from vswin_cli.system.cache_folder import cache_folder
    from vswin_cli.weights.inventory import described, weights_files

    records = [
        record
        for target in weights_files(None, cache_dir, no_head=no_head)
        if (record := described(target))["state"] != "absent" or target.num_classes or no_head
    ]
    if output_format == "json":
        print(json.dumps(records, indent=2))
    else:
        _print_table(records, cache_folder(cache_dir))


@weights.command("verify", cls=PlainCommand)
def verify_weights(
    models: OptionalModelsArgument = None,
    no_head: NoHeadOption = False,
    cache_dir: CacheDirOption = None,
    quiet: QuietOption = False,
) -> None:
    """Check the size, content and SHA-256 of weights files.

    Without MODEL, check all files in the cache folder. A damaged file is renamed to `.corrupt`. The
    exit code is 0 if all files are sound, 1 if any is not.

    Examples:
        vswin weights verify
        vswin weights verify swin-t-k400
    """
    from vswin_cli.weights.inventory import weights_files
    from vswin_cli.weights.pins import pinned_sha256, read_record
    from vswin_cli.weights.verify import verify_again
    from vswin_cli.weights.watch import DownloadWatcher

    targets = weights_files(models, cache_dir, no_head=no_head)
    # Named files must exist; others are verified if they exist.
    targets = [
        target
        for target in targets
        if target.is_here or (models and (target.num_classes is not None or no_head))
    ]
    failed = 0
    for target in targets:
        pin = pinned_sha256(target)
        record = read_record(target)
        try:
            verified = verify_again(target, pin=pin, watcher=DownloadWatcher())
        except VswinError as error:
            failed += 1
            print_error(f"{target.title}: {error}")
            continue
        if pin or record:
            how = "as pinned" if pin else "as recorded"
        else:
            how = "recorded now" if verified.is_recorded else "not recorded: read-only, or in use"
        if not quiet:
            print(f"{target.title}: sound, SHA-256 {verified.sha256[:12]}… {how}")
    if not targets and not quiet:
        print("no weights to verify: the cache folder has none", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


@weights.command("path", cls=PlainCommand)
def show_path(
    model: ModelArgument,
    no_head: NoHeadOption = False,
    cache_dir: CacheDirOption = None,
    quiet: QuietOption = False,
) -> None:
    """Print the path of a model's weights, even if they are missing.

    Examples:
        vswin weights path swin-t-k400
        cp backup.weights.h5 "$(vswin weights path swin-t-k400)"
    """
    from vswin_cli.weights.inventory import path_of

    path, target = path_of(model, cache_dir, head=not no_head)
    print_path(path)
    if target is not None and not target.is_here and not quiet:
        print(f"{target.title}: not downloaded yet", file=sys.stderr)


@weights.command("remove", cls=PlainCommand)
def remove_weights(
    model: ModelArgument,
    no_head: NoHeadOption = False,
    cache_dir: CacheDirOption = None,
    yes: YesOption = False,
    quiet: QuietOption = False,
) -> None:
    """Remove the weights of a model; on a terminal, ask first.

    Their companion files, such as a custom model's model file, are removed too.

    Examples:
        vswin weights remove swin-b-k400
        vswin weights remove mine --yes
    """
    from vswin_cli.weights.inventory import kept_of

    kept = kept_of(model, cache_dir, head=not no_head)
    if not kept.paths:
        if not quiet:
            print(
                f"{kept.title}: nothing to remove in {printable(str(kept.folder))}", file=sys.stderr
            )
        return
    is_asked = not yes and sys.stdin.isatty() and sys.stderr.isatty()  # otherwise nobody can answer
    question = f"Remove {kept.title} ({kept.num_bytes / 1e6:.0f} MB)?"
    if is_asked and not typer.confirm(question, err=True):
        return
    num_bytes = kept.remove()
    if not quiet:
        print(f"{kept.title}: removed, {num_bytes / 1e6:.0f} MB", file=sys.stderr)


def _print_table(records: list[dict[str, Any]], folder: Path) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from vswin_cli.formats.tables import print_table

    console = Console(file=sys.stdout, highlight=False)
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("head", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("here", no_wrap=True)
    table.add_column("SHA-256", no_wrap=True)
    for record in records:
        table.add_row(
            record["model"],
            "yes" if record["head"] else "no",
            f"{(record['bytes'] or record['about_bytes']) / 1e6:.0f}",
            _state(record),
            f"{record['sha256'][:12]}…" if record["sha256"] else "",
        )
    print_table(console, table, drop=(4, 1, 2))
    for record in records:
        if record["corrupt"]:
            console.print(Text(f"set aside: {printable(record['corrupt'])}"), soft_wrap=True)
    console.print(Text(f"in {printable(str(folder))}"), soft_wrap=True)


def _state(record: dict[str, Any]) -> str:
    if record["state"] == "partial":
        return f"{100 * record['partial_bytes'] / record['about_bytes']:.0f} % of it"
    if record["state"] == "here":
        published = record["published_bytes"]
        return "yes" if published in (None, record["bytes"]) else "yes, of another size"
    return "no"
