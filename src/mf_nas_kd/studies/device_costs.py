"""Costs of networks on a device: those in the store, and measurements of the networks that it lacks."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from mf_nas_kd.devices.latency import RUNTIME, THREADS, device_name
from mf_nas_kd.devices.measurement import MeasuredGraph
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.records import AllCosts, Architecture, Costs, DeviceCosts, Limits
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.measuring import FEW, Export, measure_networks

THIS = "this"
"""Name of this machine in the configuration."""

MUCH_DISTURBED = 0.1

logger = logging.getLogger(__name__)


def costs_of_device(table: pd.DataFrame, graph: MeasuredGraph, device: str) -> dict[str, DeviceCosts]:
    """The newest costs of each network on a device, by the identifier of its architecture.

    Args:
        table: ``device_costs``, oldest first.
        graph: Images, classes and precision of the networks.
        device: Name of the device; ``this`` for measurements on this machine with its version of the runtime.
    """
    chosen = (
        (table["image_shape"] == json.dumps(graph.image_shape))
        & (table["classes"] == graph.classes)
        & (table["precision"] == graph.precision)
        & (table["device_name"] == (device_name() if device == THIS else device))
    )
    if device == THIS:
        chosen &= (table["runtime"] == RUNTIME) & (table["threads"] == THREADS)
    newest = table[chosen].drop_duplicates("architecture_id", keep="last")
    return {each.architecture.id: each for each in records_of(newest, DeviceCosts)}


def with_latency(networks: pd.DataFrame, table: pd.DataFrame, graph: MeasuredGraph) -> pd.DataFrame:
    """A table of networks with ``latency_ms`` on this machine, missing where it was not measured.

    Args:
        networks: Any table with the column ``architecture_id``.
        table: ``device_costs``.
        graph: Images, classes and precision of the networks.
    """
    known = costs_of_device(table, graph, THIS)
    latency = {name: each.latency_ms for name, each in known.items()}
    return networks.assign(latency_ms=networks["architecture_id"].map(latency).astype(float))


@dataclass(frozen=True)
class DeviceCostsOf:
    """Finds the costs of networks on a device in the store; on this machine, what it lacks is measured and stored.

    Attributes:
        store: The store; every measurement is stored at once.
        graph: Images, classes and precision of the networks.
        device: Name of the device; ``this`` for this machine.
        export: Makes the ONNX model of a network.
    """

    store: EvaluationStore
    graph: MeasuredGraph
    device: str
    export: Export

    @property
    def known(self) -> dict[str, DeviceCosts]:
        """Costs of all networks that were measured earlier, by the identifiers of their architectures."""
        return costs_of_device(self.store.device_costs(), self.graph, self.device)

    def __call__(self, architectures: Iterable[Architecture]) -> dict[str, DeviceCosts]:
        """Costs by the identifiers of the architectures; those that another device has not measured are left out."""
        wanted = {each.id: each for each in architectures}
        known = self.known
        found = {name: known[name] for name in wanted if name in known}
        if self.device == THIS:
            found |= self._measured([each for name, each in wanted.items() if name not in known])
        return found

    def again(self, architectures: Sequence[Architecture]) -> dict[str, DeviceCosts]:
        """Costs as before, but measured once more on this machine."""
        return self._measured(architectures) if self.device == THIS else self(architectures)

    def _measured(self, architectures: Sequence[Architecture]) -> dict[str, DeviceCosts]:
        found: dict[str, DeviceCosts] = {}
        disturbed = 0
        with progress_bar("latency", len(architectures), shown=len(architectures) > FEW) as bar:
            for architecture, costs in measure_networks(architectures, self.export):
                found[architecture.id] = self.graph.record(architecture, costs)
                self.store.append(found[architecture.id])
                disturbed += costs.latency.disturbed > MUCH_DISTURBED
                bar.update(1)
        if disturbed > len(found) / 2:
            logger.warning(
                "Other programs used the processor during the measurements of %d of %d networks: their latency may be "
                "too high; nothing is measured twice, so measure on an idle machine",
                disturbed,
                len(found),
            )
        return found


@dataclass(frozen=True)
class AllCostsOf:
    """All costs of a network: counted, and on a device. What is above counted limits is not measured.

    Attributes:
        counted_limits: Limits of the counted costs.
        cost_of: Counts the costs of an architecture.
        on_device: Costs on the device.
    """

    counted_limits: Limits
    cost_of: Callable[[Architecture], Costs]
    on_device: DeviceCostsOf

    def __call__(self, architecture: Architecture) -> AllCosts:
        """Costs of an architecture; those on the device are infinite where they are not known."""
        counted = self.cost_of(architecture)
        found = self.on_device([architecture]) if self.counted_limits.allow(counted) else {}
        if architecture.id not in found:
            return AllCosts(counted, math.inf, math.inf, math.inf)
        return found[architecture.id].with_counted(counted)
