"""The networks of the final stage, from the tables of the search."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pandas as pd

from mf_nas_kd.records import Architecture, Costs
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.spaces import Limits
from mf_nas_kd.studies.device_costs import DeviceCostsOf
from mf_nas_kd.studies.final_training import FinalNetwork
from mf_nas_kd.studies.references import hand_designed_references, references_of_space

logger = logging.getLogger(__name__)


def finalist_networks(finalists: pd.DataFrame) -> tuple[FinalNetwork, ...]:
    """The finalists in the order of their table, named after their architectures.

    Args:
        finalists: ``finalists``: ``role`` and the columns of architecture and costs.
    """
    values = zip(finalists["role"], records_of(finalists, Architecture), records_of(finalists, Costs), strict=True)
    return tuple(FinalNetwork(each.id, role, each, costs) for role, each, costs in values)


def reference_networks(
    pool: pd.DataFrame,
    finalists: Sequence[FinalNetwork],
    limits: Limits,
    cost_of: Callable[[Architecture], Costs],
    image_shape: tuple[int, int, int],
    on_device: DeviceCostsOf,
    most_macs: int,
) -> tuple[FinalNetwork, ...]:
    """Networks that one would have taken without a search, the most telling ones first.

    These are hand-designed networks, then the smallest, a median and the largest candidate. What is a finalist is left
    out.

    Args:
        pool: The candidates of the search.
        finalists: The finalists.
        limits: The user's limits.
        cost_of: Counts the costs of an architecture.
        image_shape: ``(C, H, W)`` of one image.
        on_device: Costs on the device, which may be limited.
        most_macs: Multiply-accumulates that a hand-designed network may have.
    """
    designed, reasons = hand_designed_references(most_macs, limits, cost_of, image_shape, on_device)
    for reason in reasons:
        logger.info("No such reference network: %s", reason)
    known = {each.architecture.id for each in finalists}
    return tuple(
        FinalNetwork(each.name, "reference", each.architecture, cost_of(each.architecture))
        for each in (*designed, *references_of_space(pool))
        if each.architecture.id not in known
    )
