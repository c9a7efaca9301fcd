"""What a user asks of a study; without torch, for a command line that answers at once."""

from __future__ import annotations

from dataclasses import dataclass

from mf_nas_kd.planning.quantities import MINUTE, short

SMALLEST_SIZE = 8  # pixels; what the source of image folders takes


@dataclass(frozen=True)
class Wishes:
    """What the user asks for; None for what is left to the plan.

    Attributes:
        max_macs: Most multiply-accumulates of one image.
        max_params: Most parameters.
        max_latency_ms: Longest latency on this machine, in milliseconds.
        budget_seconds: Time of the study, in seconds.
        image_size: Size in pixels at which networks see the images.
        mirror: Whether mirrored images may be trained on.
    """

    max_macs: int | None
    max_params: int | None
    max_latency_ms: float | None
    budget_seconds: float | None
    image_size: int | None
    mirror: bool

    @property
    def options(self) -> str:
        """The options of the command line that ask for this."""
        budget = None if self.budget_seconds is None else f"{self.budget_seconds / MINUTE:g}m"
        named = {"budget": budget, "image-size": self.image_size}
        named |= {name.replace("_", "-"): short(value).replace(" ", "") for name, value in self.limits.items()}
        given = [f"--{name} {value}" for name, value in named.items() if value is not None]
        return " ".join([*given, *([] if self.mirror else ["--no-mirror"])])

    @property
    def limits(self) -> dict[str, float | int]:
        """The limits of the costs, by the names of the parameters."""
        named = {"max_macs": self.max_macs, "max_params": self.max_params, "max_latency_ms": self.max_latency_ms}
        return {name: value for name, value in named.items() if value is not None}
