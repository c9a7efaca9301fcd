import pandas as pd

from mf_nas_kd.search import pareto_front


def test_the_front_by_hand():
    table = pd.DataFrame(
        {"id": list("abcdef"), "macs": [1, 2, 2, 3, 4, 4], "val_accuracy": [0.5, 0.7, 0.6, 0.7, 0.9, 0.9]}
    )
    assert pareto_front(table)["id"].tolist() == ["a", "b", "e"]


def test_a_failed_or_single_row():
    assert pareto_front(pd.DataFrame({"macs": [5], "val_accuracy": [0.0]}))["macs"].tolist() == [5]
