"""Reader of NAS-Bench-201: all 15,625 cells, trained for 12 and for 200 epochs on three datasets.

References:
    Dong and Yang (2020). NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search. ICLR.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from mf_nas_kd.benchmarks.files import naming, read_bytes, without_password
from mf_nas_kd.benchmarks.image_formats import IMAGE_FORMATS
from mf_nas_kd.benchmarks.table import BenchmarkTable
from mf_nas_kd.errors import BenchmarkFileError, InvalidValueError
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import Architecture, Costs
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.records.tables import candidate_table
from mf_nas_kd.spaces.nas_bench_201 import cell_of_operations, operations_of_cell

STEM = 16
"""Channels of the first stage in the benchmark's networks."""

CELLS_PER_STAGE = 5
"""Copies of the cell in each stage of the benchmark's networks."""

SHORT = Fidelity(Fraction(1), epochs=12)
LONG = Fidelity(Fraction(1), epochs=200)

LONGEST_LINE = 20_000
"""Most bytes of a line."""

MOST_COLUMNS = 1_000
"""Most columns; those that are not needed are read and left aside."""

DATASETS: Mapping[str, str] = {"cifar10": "c10", "cifar100": "c100", "imagenet16": "in16"}
"""Prefix of the columns of each dataset."""


def read_nas_bench_201(path: str) -> tuple[BenchmarkTable, ...]:
    """Read the tables of NAS-Bench-201, one per dataset.

    A search maximises the validation accuracy after 12 epochs; the true quality of a candidate is its test accuracy
    after 200 epochs, because the file has no validation accuracy after 200 epochs. The file has no training times:
    12 epochs cost 1 and 200 epochs in proportion, so that the cost of a search is its number of evaluations.

    Args:
        path: A CSV file with one row per cell and the columns ``arch`` (number of the cell), ``cellstr``, and, with the
            prefixes ``c10``, ``c100`` and ``in16``, the accuracies ``*_val_ep12``, ``*_test_ep12`` and
            ``*_test_ep200`` in percent. A local path, or a URL of any protocol of fsspec.

    Raises:
        BenchmarkFileError: If the file does not exist, is damaged, or has other contents.
    """
    content = read_bytes(path)
    try:
        _require_few_columns(content)
        rows = pd.read_csv(io.BytesIO(content), index_col=False)
    except (ValueError, csv.Error, pd.errors.ParserError) as failure:  # the file is no text or has no columns
        raise BenchmarkFileError(f"{without_password(path)} is not a table of NAS-Bench-201: {failure}") from failure
    with naming(path):
        _check(rows)
    architectures = _architectures(rows["cellstr"], path)
    return tuple(_table(dataset, prefix, rows, architectures) for dataset, prefix in DATASETS.items())


def _require_few_columns(content: bytes) -> None:
    """Refuse a file whose rows would become columns without end; each takes a thousand times its bytes."""
    longest = max(map(len, content.splitlines()), default=0)
    if longest > LONGEST_LINE:
        raise ValueError(f"it has a line of {longest:,} bytes, at most {LONGEST_LINE:,} are allowed")
    columns = len(next(csv.reader(io.StringIO(content.decode(), newline="")), []))  # names may contain line breaks
    if columns > MOST_COLUMNS:
        raise ValueError(f"it has {columns:,} columns, at most {MOST_COLUMNS:,} are allowed")


def _check(rows: pd.DataFrame) -> None:
    """Refuse a table with missing columns, wrong values or repeated cells."""
    percents = [f"{prefix}_{rest}" for prefix in DATASETS.values() for rest in ("val_ep12", "test_ep12", "test_ep200")]
    if missing := [name for name in ("arch", "cellstr", *percents) if name not in rows]:
        raise InvalidValueError("list of columns", list(rows), f"one with {', '.join(missing)}")
    if rows.empty:
        raise InvalidValueError("number of rows", 0, "at least 1")
    if not pd.api.types.is_integer_dtype(rows["arch"]):
        raise InvalidValueError("arch", rows["arch"].tolist()[0], "a whole number in every row")
    for name in percents:
        wrong = rows[name][~pd.to_numeric(rows[name], errors="coerce").between(0, 100)]
        if len(wrong):
            raise InvalidValueError(f"{name} of row {wrong.index[0]}", wrong.tolist()[0], "a percentage in [0, 100]")
    if len(repeated := rows["cellstr"][rows["cellstr"].duplicated()]):
        raise InvalidValueError(
            f"cellstr of row {repeated.index[0]}", repeated.iloc[0], "different from those of the rows before"
        )


def _architectures(cells: pd.Series, path: str) -> dict[Architecture, tuple[str, ...]]:
    """The architecture of each cell in the benchmark's networks, with the operations of the cell."""
    found = {}
    for row, cell in enumerate(cells):
        with naming(f"{path}, row {row}"):
            operations = operations_of_cell(str(cell))
        found[_in_skeleton(str(cell))] = operations
    return found


def _in_skeleton(cell: str) -> Architecture:
    """The architecture with a cell and the sizes of the benchmark's networks."""
    return Architecture.of("nas_bench_201", stem=STEM, cells_per_stage=CELLS_PER_STAGE, cell=cell)


def cell_cost(dataset: str) -> Callable[[Sequence[str]], Costs]:
    """Make a function that computes the cost of a cell in the benchmark's networks from its operations.

    Args:
        dataset: A name in ``IMAGE_FORMATS``.

    Returns:
        A function from the operations of the six edges to the cost of the network.

    >>> cell_cost("cifar10")(["skip_connect"] * 6)
    Costs(macs=7783040, params=73306)
    """
    images = IMAGE_FORMATS[dataset]
    count = CostCounter(images.classes, images.shape)
    return lambda operations: count(_in_skeleton(cell_of_operations(operations)))


def _table(
    dataset: str, prefix: str, rows: pd.DataFrame, architectures: Mapping[Architecture, tuple[str, ...]]
) -> BenchmarkTable:
    cost_of = cell_cost(dataset)
    candidates = candidate_table(architectures, lambda architecture: cost_of(architectures[architecture]))
    candidates.insert(0, "index", rows["arch"])
    short, long = (
        pd.DataFrame(
            {
                "architecture_id": candidates["architecture_id"],
                **fidelity.to_row(),
                "val_accuracy": rows[f"{prefix}_val_ep12"] / 100 if fidelity == SHORT else np.nan,
                "test_accuracy": rows[f"{prefix}_test_ep{fidelity.epochs}"] / 100,
                "cost_seconds": fidelity.epochs / SHORT.epochs,
            }
        )
        for fidelity in (SHORT, LONG)
    )
    return BenchmarkTable(
        dataset=dataset,
        space="nas_bench_201",
        candidates=candidates,
        evaluations=pd.concat([short, long], ignore_index=True),
        searched=SHORT,
        truth=LONG,
        low=(),
    )
