"""The engine on PyTorch: eager on a CPU; compiled, captured as a graph and batched on a GPU."""

import logging
import os
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vswin_cli.engines.base import (
    BATCH_ON_GPU,
    Backend,
    Engine,
    Outputs,
    Pending,
    Precision,
)
from vswin_cli.network.checkpoint import read_checkpoint
from vswin_cli.network.torch_swin import TorchSwin
from vswin_cli.zoo.architectures import Size
from vswin_cli.zoo.models import Model

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_NUM_SLOTS = 2  # batches in progress: one is copied while the other is computed
_log = logging.getLogger(__name__)

Network = Callable[[Tensor], tuple[Tensor, Tensor]]


class TorchEngine(Engine):
    """Runs the network of `network/torch_swin.py`.

    Args:
        model: The model, with its architecture and classes.
        weights_file: Its weights file.
        precision: Precision of matrix products.
        view_size: (T, H, W).
        with_head: Whether the file has a head.
        num_threads: CPU threads; None keeps the default of PyTorch.
        batch_size: Views per batch; None is 1 on a CPU, and on a GPU 32 or as many as fit into its
            memory.
        cache_folder: Where compiled code is kept.
        device: PyTorch device; None is the first GPU, or the CPU if there is none.
        is_compiled: Whether to compile the network on a GPU, which takes a minute the first time.
    """

    backend: Backend = "torch"

    def __init__(
        self,
        model: Model,
        weights_file: Path,
        precision: Precision,
        view_size: Size,
        with_head: bool,
        num_threads: int | None,
        batch_size: int | None,
        cache_folder: Path | None,
        *,
        device: str | None = None,
        is_compiled: bool = True,
    ) -> None:
        if num_threads is not None:
            torch.set_num_threads(num_threads)
        self.precision = precision
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        num_classes = model.num_classes if with_head else None
        weights = read_checkpoint(weights_file, model.architecture, num_classes)
        network = TorchSwin(model.architecture, view_size, weights, _DTYPES[precision])
        self._network = network.eval().requires_grad_(False).to(self._device)
        self._graph: _Graph | None = None
        if self._device.type == "cpu":
            self.batch_size = batch_size or 1
            return
        if cache_folder is not None:
            os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder / "torch"))
        shape = (*view_size, 3)
        self.batch_size = batch_size or BATCH_ON_GPU
        while True:
            try:
                self._graph = _Graph(
                    self._network, self._device, (self.batch_size, *shape), is_compiled
                )
                break
            except torch.cuda.OutOfMemoryError:
                torch.cuda.empty_cache()
                if batch_size or self.batch_size == 1:
                    raise
                self.batch_size //= 2
        self.num_at_once = _NUM_SLOTS

    def new_batch(self, shape: tuple[int, ...]) -> np.ndarray:
        """Allocate a batch in memory that a GPU reads while the CPU does other work."""
        if self._graph is None:
            return super().new_batch(shape)
        room = torch.empty((self.batch_size, *shape), dtype=torch.uint8, pin_memory=True)
        array: np.ndarray = room.numpy()
        return array

    def start(self, views: np.ndarray) -> Pending:
        """Begin to compute a batch; see `Engine`."""
        with torch.inference_mode():
            if self._graph is not None:
                return self._graph.start(views)
            outputs = Outputs(*(each.numpy() for each in self._network(torch.from_numpy(views))))
        return lambda: outputs


class _Slot:
    """The buffers of one batch in progress."""

    def __init__(self, views: Tensor, outputs: tuple[Tensor, Tensor]) -> None:
        self.views = torch.empty_like(views)
        self.outputs = [torch.empty_like(each, device="cpu", pin_memory=True) for each in outputs]
        self.copied, self.computed = torch.cuda.Event(), torch.cuda.Event()


class _Graph:
    """The network's kernels for one shape, launched together; smaller batches use a part of it.

    Raises:
        torch.cuda.OutOfMemoryError: The batch does not fit into memory.
    """

    def __init__(
        self, network: Network, device: torch.device, shape: tuple[int, ...], is_compiled: bool
    ) -> None:
        self._copying, self._computing = torch.cuda.Stream(device), torch.cuda.Stream(device)
        self._views = torch.zeros(shape, dtype=torch.uint8, device=device)
        self._graph = torch.cuda.CUDAGraph()
        with torch.inference_mode(), torch.cuda.stream(self._computing):
            network = _compiled(network, self._views) if is_compiled else network
            for _ in range(3):
                network(self._views)
            self._computing.synchronize()
            with torch.cuda.graph(self._graph, stream=self._computing):
                self._outputs = network(self._views)
            self._slots = cycle([_Slot(self._views, self._outputs) for _ in range(_NUM_SLOTS)])
        torch.cuda.synchronize(device)

    def start(self, views: np.ndarray) -> Pending:
        """Copy and compute a batch while this process continues."""
        slot, count = next(self._slots), len(views)
        with torch.cuda.stream(self._copying):
            slot.views[:count].copy_(torch.from_numpy(views), non_blocking=True)
            slot.copied.record()
        with torch.cuda.stream(self._computing):
            slot.copied.wait()
            self._views.copy_(slot.views)
            self._graph.replay()
            for there, here in zip(self._outputs, slot.outputs, strict=True):
                here.copy_(there, non_blocking=True)
            slot.computed.record()

        def wait() -> Outputs:
            slot.computed.synchronize()
            return Outputs(*(each[:count].numpy().copy() for each in slot.outputs))

        return wait


def _compiled(network: Network, views: Tensor) -> Network:
    """Compile the network for the shape of these views; if that fails, return it unchanged."""
    compiled: Network = torch.compile(network, dynamic=False, fullgraph=True)
    try:
        compiled(views)
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as exc:
        _log.info("not compiled: %s: %s", type(exc).__name__, str(exc).partition("\n")[0])
        return network
    return compiled
