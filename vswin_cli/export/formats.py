"""The formats that models are exported to: what `--format` names.

To add one, write a module with `write`, `load` and `EXAMPLE` like the others, and add a line here.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from vswin_cli.errors import BackendError, UsageError
from vswin_cli.system.extras import pip_command


@dataclass(frozen=True)
class ExportFormat:
    """A format.

    Attributes:
        name: Name, for `--format`.
        module: Module in `vswin_cli.export`, which imports the libraries.
        suffix: Suffix of an output; empty for a folder.
        libraries: Import names by the distributions' names; the last one runs the output.
        extra: Extra that installs them.
        is_graph: Whether it is a graph, with an input and a batch; otherwise weights alone.
        companions: Suffixes of the files that always stand next to the output.
    """

    name: str
    module: str
    suffix: str
    libraries: dict[str, str]
    extra: str | None = None
    is_graph: bool = True
    companions: tuple[str, ...] = ()

    @property
    def runtime(self) -> str:
        """Distribution that runs an output."""
        return list(self.libraries)[-1]

    def load(self) -> Any:  # noqa: ANN401 - a module
        """Import the module that writes and runs it."""
        return import_module(f"vswin_cli.export.{self.module}")

    def check_libraries(self) -> None:
        """Look for its libraries.

        Raises:
            BackendError: One is missing.
        """
        missing = [name for name, package in self.libraries.items() if not find_spec(package)]
        if missing:
            plain = [name for name in missing if name == "tensorflow"]  # which is no extra
            extra = self.extra if missing != plain else None
            raise BackendError(
                f"--format {self.name} needs {' and '.join(missing)}: run "
                f"`{pip_command(extra, *plain)}`"
            )


_TORCH = {"torch": "torch"}
EXPORT_FORMATS = (
    ExportFormat(
        "onnx", "onnx_graph", ".onnx", {"onnx": "onnx", "onnxruntime": "onnxruntime"}, "onnx"
    ),
    ExportFormat(
        "openvino", "openvino_graph", ".xml", {"openvino": "openvino"}, companions=(".bin",)
    ),
    ExportFormat("saved_model", "saved_model", "", {"tensorflow": "tensorflow"}),
    ExportFormat(
        "litert", "litert_file", ".tflite",
        {"tensorflow": "tensorflow", "ai-edge-litert": "ai_edge_litert"}, "litert",
    ),
    ExportFormat("torch", "torch_program", ".pt2", _TORCH, "torch"),
    ExportFormat("pytorch-original", "original_weights", ".pth", _TORCH, "torch", is_graph=False),
    ExportFormat(
        "torchvision", "torchvision_weights", ".pth", {**_TORCH, "torchvision": "torchvision"},
        "torchvision", is_graph=False,
    ),
)  # fmt: skip
FORMAT_NAMES = tuple(each.name for each in EXPORT_FORMATS)


def export_format(name: str) -> ExportFormat:
    """Find a format by its name.

    Raises:
        UsageError: There is none.
    """
    for each in EXPORT_FORMATS:
        if each.name == name:
            return each
    raise UsageError(f"--format {name} is not one of {', '.join(FORMAT_NAMES)}")
