"""Relative cost of a fidelity: what is assumed before any evaluation was charged."""

from __future__ import annotations

from mf_nas_kd.records.fidelity import Fidelity


def relative_macs(fidelity: Fidelity) -> float:
    """Share of an architecture's multiply-accumulates that a network of this width has, in (0, 1].

    The multiply-accumulates of a convolution go with the square of the channel multiplier.

    >>> from fractions import Fraction
    >>> relative_macs(Fidelity(Fraction(1), epochs=10, width=0.5))
    0.25
    """
    return fidelity.width**2


def relative_cost(fidelity: Fidelity) -> float:
    """Passes over the whole training set times :func:`relative_macs`: proportional to the expected training time.

    >>> from fractions import Fraction
    >>> relative_cost(Fidelity(Fraction(1, 5), epochs=10, width=0.5))
    0.5
    """
    return float(fidelity.image_passes) * relative_macs(fidelity)
