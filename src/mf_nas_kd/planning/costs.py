"""Cost of a training as a function of multiply-accumulates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PassSeconds:
    """Seconds of a pass over all training images: a constant and a multiple of the multiply-accumulates.

    Attributes:
        constant: Seconds of a network without any.
        slope: Seconds a multiply-accumulate of one image.
    """

    constant: float
    slope: float

    @classmethod
    def fitted(cls, seconds: Mapping[int, float]) -> PassSeconds:
        """The line through measurements, by least squares; neither part is negative.

        Args:
            seconds: Seconds of a pass by the multiply-accumulates of a network.

        >>> PassSeconds.fitted({1_000_000: 2.0, 3_000_000: 4.0})(2_000_000)
        3.0
        >>> PassSeconds.fitted({1_000_000: 3.0, 3_000_000: 2.0})(9_000_000)
        2.5
        """
        macs, times = np.array(list(seconds), dtype=float), np.array(list(seconds.values()))
        slope = 0.0
        if len(macs) > 1 and np.ptp(macs) > 0:
            slope = max(0.0, float(np.polyfit(macs, times, 1)[0]))
        constant = float(np.mean(times - slope * macs))
        if constant < 0:
            return cls(0.0, float(times.sum() / macs.sum()))
        return cls(round(constant, 9), slope)

    def __call__(self, macs: float) -> float:
        """Seconds of a pass of a network."""
        return round(self.constant + self.slope * macs, 9)
