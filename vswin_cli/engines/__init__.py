"""Engines that compute the network: OpenVINO, PyTorch, and Keras on its backends."""

import sys

# Importing openvino reports its use to an analytics server and writes to the home folder, unless
# this package is missing, which is allowed.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
