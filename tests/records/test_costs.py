import pytest
from pydantic import ValidationError

from mf_nas_kd.records import AllCosts, DeviceCosts
from mf_nas_kd.records.costs import Costs, Limits
from mf_nas_kd.records.fields import Role

COSTS = Costs(macs=1000, params=50)


@pytest.mark.parametrize(
    ("limits", "excess"),
    [
        ({}, 0),
        ({"max_macs": 1000}, 1),
        ({"max_macs": 2000}, 0.5),
        ({"max_params": 40}, 1.25),
        ({"max_macs": 500, "max_params": 100}, 2),
    ],
)
def test_the_largest_ratio_to_a_limit_decides(limits, excess):
    assert Limits.of(**limits).excess(COSTS) == excess
    assert Limits.of(**limits).allow(COSTS) == (excess <= 1)


def test_limits_are_written_as_conditions():
    assert str(Limits.of(max_macs=12_000, max_params=500)) == "macs <= 12,000 and params <= 500"
    assert str(Limits.of()) == "no limit"
    assert Limits.of(max_params=7).maxima == {"params": 7}


def test_every_cost_has_a_limit():
    known = {column.name for record in (Costs, DeviceCosts) for column in record.columns() if column.role == Role.COST}
    assert set(Limits.model_fields) == {f"max_{name}" for name in known - {"latency_low_ms", "latency_high_ms"}}


def test_costs_on_a_device_are_limited_as_counted_ones_are():
    costs = AllCosts(COSTS, latency_ms=3.0, activation_kib=10.0, model_kib=20.0)
    limits = Limits.of(max_macs=2000, max_latency_ms=2)
    assert limits.excess(costs) == 1.5
    assert limits.need_device
    assert not limits.counted.need_device
    assert limits.counted.excess(COSTS) == 0.5
    with pytest.raises(KeyError):
        limits.excess(COSTS)  # nothing is allowed because nobody has measured it


@pytest.mark.parametrize("wrong", [{"max_macs": 0}, {"max_macs": -1}, {"max_seconds": 1}])
def test_other_limits_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Limits.of(**wrong)
