"""Reference networks, which are trained in the same way as a winner, to say what a search was worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from mf_nas_kd.errors import ImpossibleLimitError
from mf_nas_kd.records import Architecture, Costs
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.spaces import Limits
from mf_nas_kd.spaces.hand_designed import DESIGNS, widest_within
from mf_nas_kd.studies.device_costs import AllCostsOf, DeviceCostsOf


@dataclass(frozen=True)
class Reference:
    """A network to compare a winner with.

    Attributes:
        name: Its name in tables and in the report, such as ``MobileNetV2 x0.35`` or ``smallest of the space``.
        architecture: What ``networks.build_network`` builds it from.
    """

    name: str
    architecture: Architecture


def references_of_space(pool: pd.DataFrame) -> tuple[Reference, ...]:
    """The smallest, a median and the largest candidate by multiply-accumulates; fewer if there are fewer candidates.

    Of equal ones the one with fewer parameters counts as smaller. The median of an even number is the smaller one of
    the two in the middle.

    Args:
        pool: The candidates of the search, all within the user's limits, with the columns ``CANDIDATE_COLUMNS``.
    """
    ordered = pool.sort_values(["macs", "params", "architecture_id"])
    architectures = records_of(ordered, Architecture)
    last = len(architectures) - 1
    places = {"smallest": 0, "largest": last, "median": last // 2}
    names = {place: name for name, place in reversed(places.items())}  # of a place with two names, the first one counts
    return tuple(Reference(f"{names[place]} of the space", architectures[place]) for place in sorted(names))


def hand_designed_references(
    most_macs: int,
    limits: Limits,
    cost_of: Callable[[Architecture], Costs],
    image_shape: tuple[int, int, int],
    on_device: DeviceCostsOf | None = None,
) -> tuple[tuple[Reference, ...], tuple[str, ...]]:
    """Hand-designed networks, each as wide as the multiply-accumulates of a winner and the user's limits allow.

    Args:
        most_macs: Multiply-accumulates that each may have: those of the winner.
        limits: The user's limits.
        cost_of: Counts the costs of an architecture on the images.
        image_shape: ``(C, H, W)`` of one image.
        on_device: Costs on a device; needed where these are limited.

    Returns:
        The references; and for each design that cannot be made small enough a sentence that says so.
    """
    lowest = most_macs if limits.max_macs is None else min(most_macs, limits.max_macs)
    within, image_size = limits.model_copy(update={"max_macs": lowest}), min(image_shape[1:])
    all_costs_of = AllCostsOf(within.counted, cost_of, on_device) if on_device and within.need_device else None
    found, left_out = [], []
    for name in DESIGNS:
        try:
            multiplier, architecture = widest_within(name, within.counted, cost_of, image_size)
            if all_costs_of and not within.allow(all_costs_of(architecture)):
                multiplier, architecture = widest_within(name, within, all_costs_of, image_size)
        except ImpossibleLimitError as reason:
            left_out.append(str(reason))
        else:
            found.append(Reference(f"{name} x{multiplier:g}", architecture))
    return tuple(found), tuple(left_out)
