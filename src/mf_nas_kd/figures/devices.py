"""What the deployed network costs on a device, in float32 and int8: a table and sentences of the report."""

from __future__ import annotations

import pandas as pd

from mf_nas_kd.figures.numbers import is_known, percent_with_interval
from mf_nas_kd.records.device_costs import FLOAT32, INT8
from mf_nas_kd.records.metrics import Metric


def device_table(measurements: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Accuracy, size, latency and memory, one row a precision, with texts for people in the cells.

    Args:
        measurements: ``export_measurements``.
        metric: The metric that has selected.
    """
    rows = measurements.to_dict(orient="records")
    return pd.DataFrame(
        {
            "Precision": measurements["precision"],
            f"Test {metric.label}": [
                percent_with_interval(row[metric.test], row["test_low"], row["test_high"], decimals=2) for row in rows
            ],
            "Difference, points": [
                _with_interval(
                    row["difference_points"], row["difference_low"], row["difference_high"], "{:+.2f}", "{:.2f}"
                )
                for row in rows
            ],
            "File": [f"{row['file_kib']:,.1f} KiB" for row in rows],
            "Network": [f"{row['model_kib']:,.1f} KiB" for row in rows],
            "Latency, ms": [
                _with_interval(row["latency_ms"], row["latency_low_ms"], row["latency_high_ms"], "{:.3g}", "{:.3g}")
                for row in rows
            ],
            "Peak memory": [f"{row['activation_kib']:,.1f} KiB" for row in rows],
        }
    )


def device_sentences(measurements: pd.DataFrame) -> list[str]:
    """Where it was measured, how int8 compares with float32, and what stays in float32.

    Args:
        measurements: ``export_measurements``; all rows are of one device and runtime.
    """
    first, *_ = measurements.to_dict(orient="records")
    sentences = [f"Measured on: {first['device_name']}; {first['runtime']}, one thread, one image at a time."]
    by_precision = measurements.set_index("precision")
    if {FLOAT32, INT8} <= {*by_precision.index}:
        whole, integers = by_precision.loc[FLOAT32], by_precision.loc[INT8]
        file, time = (integers[name] / whole[name] for name in ("file_kib", "latency_ms"))
        sentences.append(
            f"int8 has {file:.2f} times the file size of float32, and {time:.2f} times its latency on this device. On "
            "other devices the ratio of the latencies is another one."
        )
        if isinstance(integers["float_layers"], str) and integers["float_layers"]:
            sentences.append(f"Layers of int8 that stay in float32: {integers['float_layers']}.")
    return sentences


def _with_interval(value: float, low: float, high: float, pattern: str, of_ends: str) -> str:
    """A value with its interval; empty where there is none, as of the difference of float32 from itself."""
    if not is_known(value):
        return ""
    ends = f" [{of_ends.format(low)}, {of_ends.format(high)}]" if is_known(low) and is_known(high) else ""
    return pattern.format(value) + ends
