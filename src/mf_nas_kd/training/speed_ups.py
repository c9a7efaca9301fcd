"""Speed-ups of trainings that can be switched off."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from mf_nas_kd.device import Switch


class SpeedUps(BaseModel):
    """What makes a training faster where the device supports it (``auto``), and can be switched off (``False``).

    Like the device, they change results by rounding only and are not part of an evaluation's key. The precision of the
    networks, in which ``mixed_precision`` results, always has been; so results with and without it have different keys
    on GPUs that support it, and equal keys elsewhere.

    Attributes:
        capture_steps: Capture a step as a CUDA graph and replay it. Where it cannot be captured, steps are made one by
            one, with one warning a process and distillation configuration.
        fused_optimiser: torch's fused update of all weights, where torch has one for the device. Without it, no step is
            captured: the learning rate of the other form is read on the host.
        mixed_precision: Networks in bfloat16 on GPUs that support it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    capture_steps: Switch
    fused_optimiser: Switch
    mixed_precision: Switch


ALL = SpeedUps(capture_steps="auto", fused_optimiser="auto", mixed_precision="auto")
"""Every speed-up that the device supports."""
