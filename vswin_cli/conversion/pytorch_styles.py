"""The names of the PyTorch programs.

Sources: mmaction/models/backbones/swin_transformer.py of SwinTransformer/Video-Swin-Transformer,
mmaction/models/backbones/swin.py of open-mmlab/mmaction2 1.x, and
torchvision/models/video/swin_transformer.py of pytorch/vision.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vswin_cli.conversion.styles import CONVOLUTION, DENSE, SAME, Layout, TensorKey
from vswin_cli.conversion.tensors import Shape
from vswin_cli.errors import CheckpointError

_HEADS = r"(cls_head\.fc_cls|head\.fc_cls|fc_cls|head)"


@dataclass(frozen=True)
class PyTorchStyle:
    """Modules by number, with a `weight` and a `bias` each.

    Args:
        name: Name for people to read.
        blocks: Place of a block, by `stage` and `block`; `even` is twice the stage.
        mergings: Place of the merging after a stage; `odd` follows `even`.
        expand: First layer of the MLP.
        reduce: Second layer of the MLP.
    """

    name: str
    blocks: str
    mergings: str
    expand: str
    reduce: str
    anchor: str = "patch_embed.proj.weight"
    backbone: str = "backbone."

    def owns(self, keys: Iterable[str]) -> bool:
        """See `Style`."""
        first = self._block(0, 0)
        return any(key.startswith(f"{first}.") for key in keys)

    def depths(self, shapes: Mapping[str, Shape]) -> tuple[int, ...]:
        """See `Style`."""
        counts: dict[int, int] = {}
        number = r"(\d{1,2})"
        block_keys = self.blocks.replace(".", r"\.").format(
            stage=number, even=number, block=r"(\d{1,3})"
        )
        for key in shapes:
            if match := re.match(rf"{block_keys}\.", key):
                stage, block = int(match[1]), int(match[2])
                if "{even}" in self.blocks:  # mergings take turns with stages
                    stage //= 2
                counts[stage] = max(counts.get(stage, 0), block + 1)
        return tuple(counts.get(stage, 1) for stage in range(max(counts) + 1))

    def sources(self, depths: tuple[int, ...], keys: Iterable[str]) -> dict[str, TensorKey]:
        """See `Style`."""
        last = len(depths) - 1
        # MMAction2 numbers the norms behind stages; the last one's is the classifier's.
        norm = f"norm{last}" if f"norm{last}.weight" in keys else "norm"
        found = {
            **_parameters("patch_embedding", "patch_embed.proj", CONVOLUTION),
            **_parameters("patch_embedding/norm", "patch_embed.norm", SAME),
            **_parameters("norm", norm, SAME),
        }
        for stage, depth in enumerate(depths):
            for block in range(depth):
                found |= self._block_sources(
                    f"stage{stage}_block{block}", self._block(stage, block)
                )
            if stage < last:
                ours, theirs = f"patch_merging{stage}", self._merging(stage)
                found |= _parameters(f"{ours}/norm", f"{theirs}.norm", SAME)
                found[f"{ours}/reduction/kernel"] = TensorKey(f"{theirs}.reduction.weight", DENSE)
        return found

    def _block_sources(self, ours: str, theirs: str) -> dict[str, TensorKey]:
        table = TensorKey(f"{theirs}.attn.relative_position_bias_table")
        return {
            **_parameters(f"{ours}/norm1", f"{theirs}.norm1", SAME),
            f"{ours}/attention/bias_table": table,
            **_parameters(f"{ours}/attention/qkv", f"{theirs}.attn.qkv", DENSE),
            **_parameters(f"{ours}/attention/projection", f"{theirs}.attn.proj", DENSE),
            **_parameters(f"{ours}/norm2", f"{theirs}.norm2", SAME),
            **_parameters(f"{ours}/mlp/expand", f"{theirs}.{self.expand}", DENSE),
            **_parameters(f"{ours}/mlp/reduce", f"{theirs}.{self.reduce}", DENSE),
        }

    def head_sources(self, keys: Iterable[str]) -> dict[str, TensorKey]:
        """See `Style`.

        Raises:
            CheckpointError: There are several layers that can be the head.
        """
        # Who trains on has often put a dropout before the layer, which numbers them.
        found = [key for key in keys if re.fullmatch(rf"{_HEADS}(\.\d+)?\.weight", key)]
        if len(found) > 1:
            raise CheckpointError(
                f"{' and '.join(sorted(found))} can be its head, but a model has one layer there; "
                "delete the others, or all of them for a model without a head"
            )
        if not found:
            return {}
        return _parameters("head", found[0].removesuffix(".weight"), DENSE)

    def index_key(self, stage: int, block: int) -> str:
        """See `Style`."""
        return f"{self._block(stage, block)}.attn.relative_position_index"

    def _block(self, stage: int, block: int) -> str:
        return self.blocks.format(stage=stage, even=2 * stage, block=block)

    def _merging(self, stage: int) -> str:
        return self.mergings.format(stage=stage, odd=2 * stage + 1)


def _parameters(ours: str, theirs: str, weight: Layout) -> dict[str, TensorKey]:
    names = ("gamma", "beta") if weight is SAME else ("kernel", "bias")
    return {
        f"{ours}/{names[0]}": TensorKey(f"{theirs}.weight", weight),
        f"{ours}/{names[1]}": TensorKey(f"{theirs}.bias"),
    }


OPENMMLAB = PyTorchStyle(
    "original or MMAction2",
    blocks="layers.{stage}.blocks.{block}",
    mergings="layers.{stage}.downsample",
    expand="mlp.fc1",
    reduce="mlp.fc2",
)
TORCHVISION = PyTorchStyle(
    "torchvision",
    blocks="features.{even}.{block}",
    mergings="features.{odd}",
    expand="mlp.0",
    reduce="mlp.3",
)
