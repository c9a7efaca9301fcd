"""The command ``measure``: latency, memory and size of models, here or on another device."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession
from kedro.io import CatalogProtocol

from mf_nas_kd.devices.measurement import MeasuredGraph, measure_model
from mf_nas_kd.devices.pack import read_measurements, write_pack
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.records import Architecture
from mf_nas_kd.records.device_costs import FLOAT32
from mf_nas_kd.records.tables import records_of

logger = logging.getLogger(__name__)


def measured_models(models: Sequence[Path]) -> Iterator[str]:
    """Measure ONNX files on this machine; a sentence for each."""
    for path in models:
        try:
            costs = measure_model(path.read_bytes())
        except Exception as failure:  # of onnx, onnxruntime, the operating system
            reason = " ".join(str(failure).split())
            raise InvalidValueError("model", str(path), f"an ONNX file that onnxruntime can run: {reason}") from failure
        time = costs.latency
        yield (
            f"{path}: {time.median_ms:.4g} ms ({time.low_ms:.4g} to {time.high_ms:.4g}, {time.runs} runs, "
            f"{time.disturbed:.0%} disturbed by other programs), peak activations {costs.activation_kib:,.1f} KiB, "
            f"file {costs.model_kib:,.1f} KiB"
        )


def write_study_pack(project: Path, environment: str | None, parameters: Mapping[str, Any], folder: Path) -> int:
    """Write the pack of a study's search pool.

    Args:
        project: Folder of the project.
        environment: Environment of the configuration; None for the default.
        parameters: Parameters of the command line.
        folder: Where the pack is written.

    Returns:
        The number of models.
    """
    from mf_nas_kd.export.untrained import UntrainedExport  # imports torch, which takes seconds

    catalog = _catalog(project, environment, parameters)
    images, architectures = catalog.load("images"), records_of(catalog.load("search_pool"), Architecture)
    graph = MeasuredGraph(images.classes, images.image_shape, FLOAT32)
    export = UntrainedExport(images.classes, images.image_shape)
    with progress_bar("models", len(architectures)) as bar:

        def models() -> Iterator[tuple[Architecture, bytes]]:
            for each in architectures:
                yield each, export(each)
                bar.update(1)

        return write_pack(folder, graph, models())


def read_into_store(project: Path, environment: str | None, parameters: Mapping[str, Any], path: Path) -> set[str]:
    """Read the measurements of another device into a study's store.

    Args:
        project: Folder of the project.
        environment: Environment of the configuration; None for the default.
        parameters: Parameters of the command line.
        path: ``measured.csv`` of the pack.

    Returns:
        Names of the devices.
    """
    records = read_measurements(path)
    store = _catalog(project, environment, parameters).load("evaluation_store")
    for record in records:
        store.append(record)
    logger.info("Read the costs of %d networks", len(records))
    return {record.device_name for record in records}


def _catalog(project: Path, environment: str | None, parameters: Mapping[str, Any]) -> CatalogProtocol[Any, Any]:
    with KedroSession.create(project_path=project, env=environment, runtime_params=dict(parameters)) as session:
        catalog: CatalogProtocol[Any, Any] = session.load_context().catalog  # type: ignore[attr-defined]  # made here
        return catalog
