"""What a study has found, for the user: the network, how good it is, and how to use it."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kedro.io import CatalogProtocol

from mf_nas_kd.figures import conclusions
from mf_nas_kd.files import folder_written_whole, written_whole
from mf_nas_kd.find.sessions import loaded
from mf_nas_kd.planning.quantities import short
from mf_nas_kd.records.device_costs import FLOAT32
from mf_nas_kd.records.metrics import metric_of


def lines_of_result(folder: Path) -> Iterator[str]:
    """Copy network and report of the last run to the top of the study's folder, and say what they are."""
    catalog, _ = loaded(folder, {})
    winner: dict[str, Any] = catalog.load("winner")
    metric = metric_of(winner)
    network, report = folder / "network", folder / "report.html"
    _copy_latest(catalog, network, report)
    exported = catalog.load("export_measurements").set_index("precision").loc[FLOAT32]
    accuracy, low, high = (100 * float(exported[name]) for name in (metric.test, "test_low", "test_high"))
    yield ""
    yield f"Network: {network / 'model.onnx'}"
    yield (
        f"  test {metric.label} {accuracy:.1f} % [{low:.1f}, {high:.1f}] of {exported['test_images']:,} images (95 % "
        f"interval), {short(winner['macs'])} MACs, {short(winner['params'])} parameters, "
        f"{exported['latency_ms']:.2g} ms on this machine"
    )
    references = catalog.load("references")
    yield f"  {conclusions.comparison(winner, references, int(exported['test_images']))}"
    yield f"Report: {report}"
    yield "Use it:"
    yield f"  mf-nas-kd predict {shlex.quote(str(network / 'model.onnx'))} photo.jpg"
    yield f"  python {shlex.quote(str(network / 'predict.py'))} photo.jpg"
    yield f"  less {shlex.quote(str(network / 'README.md'))}"


def _copy_latest(catalog: CatalogProtocol[Any, Any], network: Path, report: Path) -> None:
    """Copy the network and the report of the last run to the folder of the study; earlier runs stay in ``data``."""
    with folder_written_whole(network) as temporary:
        for file in sorted(_path(catalog, "network_folder").iterdir()):
            shutil.copyfile(file, temporary / file.name)
    with written_whole(report) as page:
        shutil.copyfile(_path(catalog, "report"), page)


def _path(catalog: CatalogProtocol[Any, Any], name: str) -> Path:
    dataset: Any = catalog.get(name)
    return Path(dataset._get_load_path())
