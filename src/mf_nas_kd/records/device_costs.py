"""What a network costs on a device: measured latency, memory of its activations, size of its model."""

from __future__ import annotations

import json

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import AllCosts, Costs
from mf_nas_kd.records.fields import Record, Role, column, record

FLOAT32, INT8 = "float32", "int8"
"""Precisions of a network's graph."""


def _shape(text: str) -> tuple[int, int, int]:
    channels, height, width = json.loads(text)
    return channels, height, width


@record
class DeviceCosts(Record):
    """Costs of one network on one device, with a batch of one image.

    Attributes:
        architecture: The network (columns ``space``, ``architecture_id``, ``architecture``).
        image_shape: ``(C, H, W)`` of one image.
        classes: Number of classes, ``K``.
        precision: ``float32`` or ``int8``.
        device_name: Name of the device's processor.
        runtime: Name and version of the program that ran the network.
        threads: Number of threads.
        latency_ms: Median time of one run, in milliseconds.
        latency_low_ms: What another measurement of the same network is expected to exceed.
        latency_high_ms: What another measurement of the same network is expected to stay below. Limits are compared
            with it.
        activation_kib: Peak of inputs, outputs and intermediate tensors, in KiB.
        model_kib: Size of the ONNX file, in KiB.
        code_version: Version of this package.
        measured_at: Time of the measurement, ISO 8601, UTC.
    """

    architecture: Architecture
    image_shape: tuple[int, int, int] = column(Role.KEY, stored_as=str, encode=json.dumps, decode=_shape)
    classes: int = column(Role.KEY)
    precision: str = column(Role.KEY)
    device_name: str = column(Role.KEY)
    runtime: str = column(Role.KEY)
    threads: int = column(Role.KEY)
    latency_ms: float = column(Role.COST, "ms")
    latency_low_ms: float = column(Role.COST, "ms")
    latency_high_ms: float = column(Role.COST, "ms")
    activation_kib: float = column(Role.COST, "KiB")
    model_kib: float = column(Role.COST, "KiB")
    code_version: str = column(Role.PROVENANCE)
    measured_at: str = column(Role.PROVENANCE, "ISO 8601, UTC")

    def with_counted(self, counted: Costs) -> AllCosts:
        """All costs of the network; its latency is the upper end of the spread."""
        return AllCosts(counted, self.latency_high_ms, self.activation_kib, self.model_kib)
