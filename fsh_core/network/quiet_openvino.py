"""The one door to OpenVINO, which is imported here without its telemetry.

``import openvino`` imports ``openvino_telemetry`` if it can, which writes an identifier into the
home folder and reports every import to an analytics server, from a forked child. A module that
is None in `sys.modules` cannot be imported, and OpenVINO then uses its own empty stand-in.
"""

import sys

# Never undone: OpenVINO imports further parts of itself later, and they look again.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino as ov  # noqa: E402
from openvino import opset13 as ops  # noqa: E402

__all__ = ["ops", "ov"]
