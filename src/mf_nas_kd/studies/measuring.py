"""Measuring of many networks: some processes export them, one other measures them one after the other."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice

from mf_nas_kd.cores import available_cores, end_with_driver
from mf_nas_kd.devices.measurement import ModelCosts, measure_model
from mf_nas_kd.records import Architecture

FEW = 12
"""Up to as many networks are exported and measured in this process: others take longer to start."""

EXPORTED_AHEAD = 2
"""Models a process that wait to be measured; those of large networks have tens of megabytes."""

Export = Callable[[Architecture], bytes]


def measure_networks(
    architectures: Sequence[Architecture], export: Export
) -> Iterator[tuple[Architecture, ModelCosts]]:
    """Export networks and measure their costs on this machine.

    One process measures, and as many as there are further cores export, at least one: no two networks are measured at
    a time, and with two cores no other work of ours is done on the core of the measurement.

    Args:
        architectures: The networks.
        export: Makes the ONNX model of a network; it can be pickled.

    Yields:
        Each network and its costs, in their order.
    """
    if len(architectures) <= FEW:
        for architecture in architectures:
            yield architecture, measure_model(export(architecture))
        return
    spawned = multiprocessing.get_context("spawn")
    exporters = max(1, available_cores() - 1)
    with (
        ProcessPoolExecutor(exporters, spawned, initializer=end_with_driver) as exporting,
        ProcessPoolExecutor(1, spawned, initializer=end_with_driver) as measuring,
    ):
        waiting = iter(architectures)
        exported: deque[tuple[Architecture, Future[bytes]]] = deque()
        try:
            while True:
                for each in islice(waiting, EXPORTED_AHEAD * exporters - len(exported)):
                    exported.append((each, exporting.submit(export, each)))
                if not exported:
                    return
                architecture, model = exported.popleft()
                yield architecture, measuring.submit(measure_model, model.result()).result()
        finally:
            exporting.shutdown(cancel_futures=True)
            measuring.shutdown(cancel_futures=True)
