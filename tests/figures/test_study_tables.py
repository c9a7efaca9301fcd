"""Tables of the report about the study."""

from mf_nas_kd.figures import correlations_table, steps_table
from mf_nas_kd.records.metrics import ACCURACY
from tests.report_page import correlations, trace


def test_a_correlation_is_a_value_with_its_interval():
    table = correlations_table(correlations("kd"))
    assert table["Measurement"].tolist() == [
        "1/9 of the images, 2 epochs, plain",
        "1/9 of the images, 2 epochs, kd",
        "high fidelity: all images, 2 epochs, plain",
        "zero-cost proxy macs",
        "zero-cost proxy params",
    ]
    assert table["Kendall's tau"][1] == "0.60 [0.50, 0.70]"
    assert table["Partial tau"][3] == "", "given MACs, the correlation of MACs is not defined"
    assert table["Cost"].tolist() == ["10 %", "12 %", "100 %", "0 %", "0 %"]


def test_every_step_has_its_reason():
    table = steps_table(trace("kd"), ACCURACY)
    assert table["Fidelity"].tolist() == ["1/9 of the images, 4 epochs, kd", "all images, 8 epochs, none"] * 2
    assert table["Incumbent"].tolist() == ["", "90.00 %", "90.00 %", "95.00 %"]
    assert table["Threshold"].tolist() == ["70.00 %", "", "70.00 %", ""]
    assert table["Reason"][3] == "kd: probability of being the best 0.4"
