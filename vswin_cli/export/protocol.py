"""The description of a protocol in an export: only what the model's sampling uses."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vswin_cli.views.sampling import TORCHVISION_RATE
from vswin_cli.zoo.protocols import Sampling, ViewProtocol


def protocol_stated(protocol: ViewProtocol) -> dict[str, Any]:
    """Collect what the views of a video depend on."""
    stated = {**asdict(protocol), "short_side": protocol.short_side}
    if protocol.sampling in (Sampling.UNIFORM, Sampling.TORCHVISION):
        del stated["frame_interval"]
    if protocol.sampling is Sampling.TORCHVISION:
        stated["frames_per_second"] = TORCHVISION_RATE
    return stated


def frames_stated(stated: Mapping[str, Any]) -> str:
    """Say which frames make a clip."""
    if "frames_per_second" in stated:
        return f"neighbours at {stated['frames_per_second']:g} frames per second"
    if "frame_interval" in stated:
        return f"{stated['frame_interval']} apart"
    return "spread over the whole video"
