"""Engines that compute the network: OpenVINO, PyTorch, and Keras on its backends."""

import sys

from vswin_cli.system.late_import import imported_when_used

# Importing openvino reports its use to an analytics server and writes to the home folder, unless
# this package is missing, which is allowed.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
# Most of the time of importing openvino is that of its converter.
_CONVERTER = "openvino.tools.ovc"
sys.modules.setdefault(_CONVERTER, imported_when_used(_CONVERTER, "convert_model"))
