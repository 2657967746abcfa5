"""Names in Keras files: the published ones, and those that Keras saves from our model."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from vswin_cli.conversion.styles import TensorKey
from vswin_cli.conversion.tensors import Shape
from vswin_cli.network.checkpoint import key_table
from vswin_cli.zoo.architectures import Architecture

_HEAD = {
    "head/kernel": TensorKey("layers/dense/vars/0"),
    "head/bias": TensorKey("layers/dense/vars/1"),
}


class _KerasStyle:
    """What both styles share: the head, and no stored indices."""

    backbone = "layers/video_swin_backbone/"

    def head_sources(self, keys: Iterable[str]) -> dict[str, TensorKey]:
        """See `Style`."""
        return _HEAD if _HEAD["head/kernel"].key in keys else {}

    def index_key(self, stage: int, block: int) -> None:
        """See `Style`."""


class _PublishedStyle(_KerasStyle):
    """The layout of the published files, as in the key table."""

    name = "published Keras"
    anchor = "layers/video_swin_patching_and_embedding/layers/conv3d/vars/0"
    _block = re.compile(
        r"layers/video_swin_basic_layer(?:_(\d{1,2}))?"
        r"/blocks/video_swin_transformer_block(?:_(\d{1,3}))?/.*"
    )

    def owns(self, keys: Iterable[str]) -> bool:
        """See `Style`."""
        return any(self._block.fullmatch(key) for key in keys)

    def depths(self, shapes: Mapping[str, Shape]) -> tuple[int, ...]:
        """See `Style`."""
        counts = Counter[int]()
        for key in shapes:
            if match := self._block.fullmatch(key):
                stage, block = (int(number or 0) for number in match.groups())
                counts[stage] = max(counts[stage], block + 1)
        return tuple(max(counts[stage], 1) for stage in range(max(counts) + 1))

    def sources(self, depths: tuple[int, ...], keys: Iterable[str]) -> dict[str, TensorKey]:
        """See `Style`."""
        shapeless = Architecture("", embed_dim=1, depths=depths, num_heads=(1,) * len(depths))
        return {key.variable: TensorKey(key.dataset) for key in key_table(shapeless, None)}


class _OwnStyle(_KerasStyle):
    """The names that Keras makes from the classes in `network/`; block numbers span all stages."""

    name = "vswin's own Keras"
    anchor = "layers/patch_embedding/vars/0"
    _norm1 = re.compile(r"layers/swin_block(?:_\d{1,3})?/norm1/vars/0")

    def owns(self, keys: Iterable[str]) -> bool:
        """See `Style`."""
        return any(self._norm1.fullmatch(key) for key in keys)

    def depths(self, shapes: Mapping[str, Shape]) -> tuple[int, ...]:
        """See `Style`; each stage has twice as many channels as the previous one."""
        counts = Counter(shape for key, shape in shapes.items() if self._norm1.fullmatch(key))
        return tuple(counts[dim] for dim in sorted(counts))

    def sources(self, depths: tuple[int, ...], keys: Iterable[str]) -> dict[str, TensorKey]:
        """See `Style`."""
        shapeless = Architecture("", embed_dim=1, depths=depths, num_heads=(1,) * len(depths))
        return {
            key.variable: TensorKey(_own_path(key.variable, depths))
            for key in key_table(shapeless, None)
        }


def _own_path(variable: str, depths: tuple[int, ...]) -> str:
    layer, *inner, name = variable.split("/")
    if match := re.fullmatch(r"stage(\d+)_block(\d+)", layer):
        stage, block = map(int, match.groups())
        layer = _numbered("swin_block", sum(depths[:stage]) + block)
    elif match := re.fullmatch(r"patch_merging(\d+)", layer):
        layer = _numbered("patch_merging", int(match[1]))
    elif layer == "norm":
        layer = "token_norm"
    number = 1 if name in {"bias", "beta"} else 0
    return "/".join(["layers", layer, *inner, "vars", str(number)])


def _numbered(name: str, index: int) -> str:
    """Keras's unique names: the first has no number."""
    return f"{name}_{index}" if index else name


PUBLISHED = _PublishedStyle()
OWN = _OwnStyle()
