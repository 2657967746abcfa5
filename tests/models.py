"""Models for tests: those of the zoo, and small ones."""

from dataclasses import replace

from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import Model

# The same network, smaller, for tests that do not need the numbers of the original.
NANO = replace(
    find_model("swin-t-k400"),
    name="nano",
    architecture=Architecture(
        "nano", embed_dim=8, depths=(2, 2), num_heads=(1, 2), window=(2, 3, 3)
    ),
)

# The smallest with every kind of layer except shifted windows.
SMALLEST = Architecture("smallest", embed_dim=8, depths=(1, 1), num_heads=(1, 2), window=(2, 2, 2))

# Small, too, with the window of swin-b-ssv2, which spans all frames.
NANO_SSV2 = replace(
    find_model("swin-b-ssv2"),
    name="nano-ssv2",
    architecture=replace(NANO.architecture, name="nano-ssv2", window=(16, 7, 7)),
)


def model_named(name: str) -> Model:
    """Return a model of the zoo, or a small one."""
    return {each.name: each for each in (NANO, NANO_SSV2)}.get(name) or find_model(name)
