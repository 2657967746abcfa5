"""Video Swin in Keras 3, its checkpoints and the engines that run it."""

import sys

# Importing openvino reports its use to an analytics server and writes to the home directory, unless
# this package is missing, which it allows for.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
