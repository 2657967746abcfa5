"""The models that tests run: those of the zoo, and a small one."""

from dataclasses import replace

from vswin_cli.zoo.architectures import Architecture
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.models import Model

# The same network in small, for tests that are not about the numbers of the original.
NANO = replace(
    find_model("swin-t-k400"),
    name="nano",
    architecture=Architecture(
        "nano", embed_dim=8, depths=(2, 2), num_heads=(1, 2), window=(2, 3, 3)
    ),
)


def model_named(name: str) -> Model:
    """A model of the zoo, or the small one."""
    return NANO if name == NANO.name else find_model(name)
