"""Packs of models that are measured on another device, and the tables that come back."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mf_nas_kd import __version__
from mf_nas_kd.devices.measurement import KIB, MeasuredGraph, activation_kib
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Architecture, DeviceCosts
from mf_nas_kd.records.evaluation import now

INDEX = "networks.csv"
SCRIPTS = {"measure.py": "pack_script.py", "latency.py": "latency.py"}
"""Files of a pack, and the files of this package that they are copies of."""

INDEX_COLUMNS = ("model", "space", "architecture", "image_shape", "classes", "precision", "activation_kib", "model_kib")
MEASURED_COLUMNS = ("model", "device_name", "runtime", "threads", "latency_ms", "latency_low_ms", "latency_high_ms")


def write_pack(folder: Path, graph: MeasuredGraph, models: Iterable[tuple[Architecture, bytes]]) -> int:
    """Write models and the script that measures them.

    Args:
        folder: Where; it is made.
        graph: Images, classes and precision of the models.
        models: Networks and their ONNX models.

    Returns:
        The number of models.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in SCRIPTS.items():
        shutil.copyfile(Path(__file__).with_name(source), folder / name)
    count = 0
    with (folder / INDEX).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(INDEX_COLUMNS)
        for architecture, model in models:
            (folder / f"{architecture.id}.onnx").write_bytes(model)
            subject = (architecture.id, architecture.space, architecture.specification, json.dumps(graph.image_shape))
            writer.writerow([*subject, graph.classes, graph.precision, activation_kib(model), len(model) / KIB])
            count += 1
    return count


def read_measurements(path: Path) -> list[DeviceCosts]:
    """Read what the script of a pack has written; the index of the pack lies in the same folder.

    Args:
        path: ``measured.csv`` of a pack.

    Raises:
        InvalidValueError: If a file is missing, or has other columns or values.
    """
    networks = {row["model"]: row for row in _rows(path.with_name(INDEX), INDEX_COLUMNS)}
    rows = _rows(path, MEASURED_COLUMNS)
    unknown = sorted({row["model"] for row in rows} - networks.keys())
    if unknown:
        raise InvalidValueError(f"model in {path}", unknown[0], f"one of those in {path.with_name(INDEX)}")
    try:
        return [_record({**networks[row["model"]], **row}) for row in rows]
    except ValueError as failure:
        raise InvalidValueError(f"a number in {path}", str(failure), "a number") from failure


def _record(row: Mapping[str, Any]) -> DeviceCosts:
    architecture = Architecture(row["space"], row["architecture"])
    made = {"architecture_id": architecture.id, "code_version": __version__, "measured_at": now()}
    return DeviceCosts.from_row({**row, **made})


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    if not path.is_file():
        raise InvalidValueError("file of measurements", str(path), "a file of the folder that mf-nas-kd measure wrote")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if not set(columns) <= set(reader.fieldnames or ()):
            raise InvalidValueError(f"columns of {path}", list(reader.fieldnames or ()), ", ".join(columns))
        return list(reader)
