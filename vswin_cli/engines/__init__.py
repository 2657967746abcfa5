"""What computes the network: engines on OpenVINO and on the backends of Keras."""

import sys

# Importing openvino reports its use to an analytics server and writes to the home directory, unless
# this package is missing, which it allows for.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
