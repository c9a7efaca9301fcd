"""What several benchmarks share."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from mf_nas_kd.spaces.published import mobilenet_v2, shufflenet_v2

FIRST_PUBLISHED = {
    "mobilenet_v2": mobilenet_v2(
        [
            [1, 16, 4, 1],
            [6, 32, 1, 2],
            [6, 64, 4, 2],
            [6, 128, 4, 2],
            [6, 184, 2, 1],
            [6, 320, 1, 2],
            [6, 440, 2, 1],
            [0, 536, 2, 0],
        ]
    ),
    "shufflenet_v2": shufflenet_v2({"out_channels": [98, 158, 510, 524], "num_blocks": [6, 3, 5]}),
}
"""The first network of each published space."""


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of ``n`` measurements."""

    n: int
    median: float
    lower_quartile: float
    upper_quartile: float

    @classmethod
    def of(cls, measured: list[float]) -> Spread:
        """At least two measurements."""
        lower, median, upper = statistics.quantiles(measured, n=4, method="inclusive")
        return cls(len(measured), median, lower, upper)

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.lower_quartile:.3g} to {self.upper_quartile:.3g})"
