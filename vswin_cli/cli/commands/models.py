"""`vswin models`: list all models, and whether their weights are on this machine."""

import json
from pathlib import Path
from typing import Any

from vswin_cli.cli.messages import print_warning
from vswin_cli.cli.options import CacheDirOption, QuietOption, TableOrJsonOption
from vswin_cli.zoo.models import (
    SWIN_N_MOTION,
    AnyModel,
    BundledModel,
    CommunityModel,
    CustomModel,
    PublishedModel,
)


def models(
    output_format: TableOrJsonOption = "table",
    cache_dir: CacheDirOption = None,
    quiet: QuietOption = False,
) -> None:
    """List the models, their published accuracy, and whether their weights are on this machine.

    Models are grouped by publisher. Checkpoints of other projects are converted on first use.
    Custom models are listed if their files are in the cache folder's models/.

    Examples:
        vswin models
        vswin models --format json
    """
    from vswin_cli.zoo.catalog import MODELS, custom_models

    kept = custom_models(cache_dir)
    records = [_record(model, cache_dir) for model in (*MODELS, *kept.models)]
    for error in () if quiet else kept.broken.values():
        print_warning(str(error))
    if output_format == "json":
        print(json.dumps(records, indent=2))
    else:
        _print_table(records)


def _record(model: AnyModel, cache_dir: Path | None) -> dict[str, Any]:
    from vswin_cli.weights.cache import weights_file

    if isinstance(model, BundledModel):
        path, is_here = model.weights_path, True
        published: dict[str, Any] = {"top1": None, "top5": None, "file": path.name}
        published |= {"bytes": path.stat().st_size}
    elif isinstance(model, CustomModel):
        path, is_here = model.weights_path, model.weights_path.is_file()
        published = {"top1": None, "top5": None, "file": path.name}
        published |= {"bytes": path.stat().st_size if is_here else None}
    else:
        weights = weights_file(model, cache_dir)
        path, is_here = weights.path, weights.is_here
        published = {"top1": model.top1, "top5": model.top5, "file": model.classifier_file.name}
        published |= {"bytes": model.classifier_file.num_bytes}
    source = model.source if isinstance(model, CommunityModel) else None
    return {
        "name": model.name,
        "group": _group(model),
        "page": source and source.page,
        "licence": source and source.licence,
        "labels": model.label_set.name,
        "num_classes": model.num_classes,
        "num_parameters": model.num_parameters,
        "gmacs_per_view": model.gmacs,
        "protocol": model.protocol.sampling,
        "num_clips": model.protocol.num_clips,
        "num_crops": model.protocol.num_crops,
        **published,
        "is_bundled": isinstance(model, BundledModel),
        "weights_path": str(path),
        "weights_present": is_here,
    }


def _group(model: AnyModel) -> str:
    """Name the publisher of a model."""
    if isinstance(model, CommunityModel):
        return model.source.name
    groups = {BundledModel: "bundled", PublishedModel: "original, in Keras", CustomModel: "custom"}
    return groups[type(model)]


def _print_table(records: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from vswin_cli.formats.tables import print_table, result_console

    console = result_console()
    table = Table(
        box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, collapse_padding=True
    )
    widest = max(len(record["name"]) for record in records)  # a shortened name could not be used
    table.add_column("model", no_wrap=True, min_width=min(widest, 32))
    for heading in ("classes", "params", "GMACs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("protocol", no_wrap=True)
    for heading in ("top-1/5 %", "MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("here")
    for before, record in zip([None, *records], records, strict=False):
        if before is None or before["group"] != record["group"]:
            table.add_row(Text(f"{record['group']}:", style="bold"))
        table.add_row(
            record["name"],
            str(record["num_classes"]),
            f"{record['num_parameters'] / 1e6:.1f}M",
            f"{record['gmacs_per_view']:.{0 if record['gmacs_per_view'] > 1 else 1}f}",
            f"{record['protocol']} {record['num_clips']}×{record['num_crops']}",
            "–" if record["top1"] is None else f"{record['top1']:.1f}/{record['top5']:.1f}",
            "–" if record["bytes"] is None else f"{record['bytes'] / 1e6:.0f}",
            "yes" if record["weights_present"] else "no",
        )
    print_table(console, table, drop=(2, 3, 5, 4, 6, 1))
    console.print("GMACs: billions of multiply-accumulates per view. MB: the file with the head.")
    console.print(f"{SWIN_N_MOTION.name}: {SWIN_N_MOTION.about}.")
    for name, page, licence in dict.fromkeys(
        (record["group"], record["page"], record["licence"]) for record in records
    ):
        if page:
            console.print(f"{name}: {licence}.\n  {page}", soft_wrap=not console.is_terminal)
