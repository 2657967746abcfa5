"""What a features file says of what its features were computed with."""

from vswin_cli.cli.label_setup import LabelSetup
from vswin_cli.features.origin import FeatureType, Origin
from vswin_cli.system.files import file_sha256


def origin_of(setup: LabelSetup, *, dtype: FeatureType, per_view: bool) -> Origin:
    """Sum up what the features of a run depend on.

    Raises:
        WeightsError: The weights file is missing, or none.
    """
    from vswin_cli.network.checkpoint import has_top

    engine = setup.engine
    with_top = has_top(engine.weights_file)  # before the sum, since it says what is wrong
    return Origin(
        model=engine.model.name,
        weights_sha256=file_sha256(engine.weights_file),
        with_top=with_top,
        protocol=setup.protocol,
        backend=engine.backend,
        precision=engine.precision,
        reader=setup.reader,
        dtype=dtype,
        per_view=per_view,
        num_features=engine.model.architecture.num_features,
    )
