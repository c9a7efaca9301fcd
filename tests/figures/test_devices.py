"""What the report says of the network on a device."""

import pandas as pd

from mf_nas_kd.figures import device_sentences, device_table
from mf_nas_kd.records.metrics import ACCURACY, METRICS
from tests import final_tables


def test_a_row_a_precision_with_intervals():
    table = device_table(final_tables.measurements(), ACCURACY)
    assert table.to_dict(orient="records") == [
        {
            "Precision": "float32",
            "Test accuracy": "98.44 % [96.90, 99.20]",
            "Difference, points": "",
            "File": "96.3 KiB",
            "Network": "84.1 KiB",
            "Latency, ms": "0.152 [0.15, 0.157]",
            "Peak memory": "24.5 KiB",
        },
        {
            "Precision": "int8",
            "Test accuracy": "98.00 % [96.30, 98.90]",
            "Difference, points": "-0.44 [-1.11, 0.22]",
            "File": "31.7 KiB",
            "Network": "23.0 KiB",
            "Latency, ms": "0.201 [0.198, 0.207]",
            "Peak memory": "6.1 KiB",
        },
    ]
    balanced = METRICS["balanced_accuracy"]
    assert f"Test {balanced.label}" in device_table(final_tables.measurements(balanced.test), balanced)


def test_sentences_say_where_and_how_int8_compares():
    where, ratio, layers = device_sentences(final_tables.measurements())
    assert where == "Measured on: a processor, 2 cores; onnxruntime 1.20.0, one thread, one image at a time."
    assert "int8 has 0.33 times the file size of float32, and 1.32 times its latency" in ratio
    assert layers == "Layers of int8 that stay in float32: first, last."


def test_without_int8_or_float_layers_there_is_less_to_say(tmp_path):
    measurements = final_tables.measurements()
    assert len(device_sentences(measurements[:1])) == 1
    measurements.assign(float_layers="").to_csv(tmp_path / "saved.csv", index=False)
    assert len(device_sentences(pd.read_csv(tmp_path / "saved.csv"))) == 2
