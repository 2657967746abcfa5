"""The README.md next to exports: a section per file, with lines that run it."""

import json
import re
from pathlib import Path
from typing import Any

from vswin_cli.export.protocol import frames_stated
from vswin_cli.export.request import Request
from vswin_cli.system.files import replacing
from vswin_cli.system.lent_folder import lent_folder
from vswin_cli.zoo.protocols import MEAN, STD

_TITLE = "# Models exported by vswin\n"
_MARK = "<!-- vswin export: {} -->\n"
_WAIT_SECONDS = 30.0
_SECTION = re.compile(r"(?=^<!-- vswin export: .* -->$)", re.MULTILINE)


def write_readme(folder: Path, name: str, section: str) -> Path:
    """Write a file's section into the folder's README.md, and replace an older one.

    A README.md of the user is not changed: the section goes into a file named after the export.

    Returns:
        Where it was written.

    Raises:
        OSError: It cannot be written.
    """
    path = folder / "README.md"
    with lent_folder(path, wait_seconds=_WAIT_SECONDS) as lent:  # of other exports
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if path.exists() and not text.startswith(_TITLE):
            path, text = folder / f"{name}.README.md", _TITLE
        mark = _MARK.format(name)
        sections = [each for each in _SECTION.split(text) if not each.startswith(mark)]
        kept = "\n".join(each.rstrip() + "\n" for each in sections if each) or _TITLE
        with replacing(path, temporary=lent / path.name) as temporary:
            temporary.write_text(f"{kept}\n{mark}{section}", encoding="utf-8")
    return path


def section_of(request: Request, module: Any, name: str, checked: str) -> str:  # noqa: ANN401
    """Describe a file, its inputs and outputs, and how to run it.

    Args:
        request: The export.
        module: Module of the format.
        name: Name of the file.
        checked: Result of the check, as a sentence.
    """
    network, about = request.network, request.description
    t, h, w = network.input_size
    batch = request.batch or "B"
    kind = "normalised RGB, float32" if network.is_normalised else "RGB in 0 … 255, uint8"
    outputs = ", ".join(
        f"`{key}` ({batch}, {width})" for key, width in request.output_widths.items()
    )
    protocol = json.loads(about["protocol"])
    norm = f"mean {list(MEAN)} and standard deviation {list(STD)}"
    lines = [
        f"\n## {name}\n",
        f"{request.name}, exported by vswin {about['vswin']}, with weights stored as "
        f"{about['precision']}. {checked}\n",
        f"- input `views` ({batch}, {t}, {h}, {w}, 3): {kind}; "
        + (f"normalised by {norm} of pixels in 0 … 255" if network.is_normalised else "")
        + (f"the file normalises by {norm}" if not network.is_normalised else ""),
        f"- outputs {outputs}, float32",
        f"- a view is {t} frames × one {h}×{w} crop; the answer for a video is the mean of the "
        f"probabilities of its views: {protocol['sampling']} "
        f"{protocol['num_clips']}×{protocol['num_crops']}, frames {frames_stated(protocol)}, "
        f"resized to a short side of {protocol['short_side']} pixels before the crop",
        "- labels, protocol, normalisation and versions are in the file's metadata\n",
        f"```{module.LANGUAGE}{_example(request, module, name)}```",
    ]
    return "\n".join(lines) + "\n"


def _example(request: Request, module: Any, name: str) -> str:  # noqa: ANN401
    network = request.network
    t, h, w = network.input_size
    batch = request.batch or 1
    dtype, what = ("float32", "normalised") if network.is_normalised else ("uint8", "RGB")
    names = list(network.output_names)
    values = {
        "file": name,
        "views": f"views = np.zeros(({batch}, {t}, {h}, {w}, 3), np.{dtype})  # {what} frames",
        "names": json.dumps(names),
        "outputs": ", ".join(names) + "," * (len(names) == 1),
        "architecture": network.architecture.name,
        "num_classes": network.num_classes,
        "size": f"{batch}, {t}, {h}, {w}, 3",
        "activation": "sigmoid()" if network.is_multi_label else "softmax(-1)",
        "mean": list(MEAN),
        "std": list(STD),
        "arguments": module.arguments(request) if hasattr(module, "arguments") else "",
    }
    text: str = module.EXAMPLE.format(**values)
    if "{outputs}" in module.EXAMPLE and network.num_classes is not None:
        text += "mean = probabilities.mean(axis=0)  # over the views of a video\n"
        text += "print(labels[mean.argmax()], mean.max())\n"
    return text
