"""The weights that features are computed with, and what a features file says of them."""

from pathlib import Path

from vswin_cli.cli.label_setup import LabelSetup
from vswin_cli.cli.needed_weights import find_or_fetch
from vswin_cli.embedding.origin import FeatureType, Origin
from vswin_cli.errors import UsageError
from vswin_cli.weights.pins import file_sha256
from vswin_cli.zoo.models import AnyModel, BundledModel, OwnModel


def weights_for_features(
    model: AnyModel,
    given: Path | None,
    *,
    no_top: bool,
    cache_dir: Path | None,
    mirror: str | None,
    offline: bool,
) -> tuple[Path, bool]:
    """Return the weights file, and whether it has a head; one without gives the same features.

    Args:
        model: What computes.
        given: The user's file; None is the model's.
        no_top: Whether the model's shall be the one without top.
        cache_dir: As `find_or_fetch`, like the next two.
        mirror: Where to download from.
        offline: Never download.

    Raises:
        WeightsError, UsageError: As `find_or_fetch`.
    """
    if given is not None:
        from vswin_cli.model.checkpoint import has_top

        return given, has_top(given)
    if no_top and isinstance(model, BundledModel):
        raise UsageError(f"{model.name} comes with its top; leave --no-top out")
    path = find_or_fetch(model, cache_dir=cache_dir, mirror=mirror, offline=offline, top=not no_top)
    return path, model.has_top if isinstance(model, OwnModel) else not no_top


def origin_of(setup: LabelSetup, *, dtype: FeatureType, per_view: bool) -> Origin:
    """Sum up what the features of a run depend on.

    Raises:
        WeightsError: The weights file is missing, or none.
    """
    from vswin_cli.model.checkpoint import has_top

    with_top = has_top(setup.weights_file)  # before the sum, since it says what is wrong
    return Origin(
        model=setup.model.name,
        weights_sha256=file_sha256(setup.weights_file),
        with_top=with_top,
        protocol=setup.protocol,
        backend=setup.backend,
        precision=setup.precision,
        reader=setup.reader,
        dtype=dtype,
        per_view=per_view,
        num_features=setup.model.architecture.num_features,
    )
