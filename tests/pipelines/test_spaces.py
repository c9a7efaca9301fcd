"""One line of configuration changes the space; images, teacher and store stay the same."""

import pytest

from mf_nas_kd.distillation import LOSSES
from tests.pipelines.running import catalog, run

FEWER = {
    "evaluation": {
        "low": {
            "schedules": {"twenty_seventh": None, "ninth": {"train_fraction": "1/9", "epochs": 1}},
            "distillation": {name: name in ("none", "kd", "attention", "nst") for name in [*LOSSES, "kd_standardised"]},
        }
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("spaces")
    run(made, "data")
    run(made, "teacher")
    return made


@pytest.mark.parametrize("name", ["shufflenet_v2", "nas_bench_201"])
def test_another_space_is_evaluated(folder, name):
    run(folder, "evaluation", space={"name": name}, executor={"kind": "inline"}, **FEWER)
    entries = catalog(folder)
    plan, evaluations = entries.load("evaluation_plan"), entries.load("evaluations")
    found = plan[["key", "role"]].merge(evaluations, on="key")
    assert set(found["space"]) == {name}
    assert found["role"].value_counts().to_dict() == {"low": 4 * 4, "full": 4}, "low fidelities with every distillation"
    assert (found["status"] == "finished").all(), found["error"].tolist()
