"""A grid of fidelities, whose values are changed and left out by name."""

from fractions import Fraction

import pytest
from pydantic import ValidationError

from mf_nas_kd.records import Fidelity, FidelityGrid

GRID = {
    "schedules": {
        "long": {"train_fraction": "1/3", "epochs": 5},
        "short": {"train_fraction": "1/27", "epochs": 20},
    },
    "widths": {"whole": 1.0, "half": 0.5},
    "image_sizes": {"own": "own"},
    "distillation": {"none": True, "nst": False, "kd": True, "rkd": None},
}


def values(**changes):
    return FidelityGrid.model_validate({**GRID, **changes}).values


def test_cheap_ones_come_first_and_ties_keep_the_order_of_the_configuration():
    short, long = (Fraction(1, 27), 20), (Fraction(1, 3), 5)
    assert values() == tuple(
        Fidelity(*schedule, width, name)
        for schedule in (short, long)
        for width in (0.5, 1.0)
        for name in ("none", "kd")
    )


def test_the_order_of_ties_is_that_of_the_names():
    reordered = values(distillation={"kd": True, "none": True}, widths={"whole": 1.0})
    assert [fidelity.distillation for fidelity in reordered] == ["kd", "none", "kd", "none"]


def test_equal_values_under_two_names_count_once():
    assert len(values(widths={"whole": 1.0, "all": 1.0})) == 4


@pytest.mark.parametrize(
    "changes", [{"schedules": {**GRID["schedules"], "long": None}}, {"widths": {"whole": None, "half": 0.5}}]
)
def test_null_leaves_one_out(changes):
    assert len(values(**changes)) == 4


@pytest.mark.parametrize("names", ["kd", ["kd"], ("kd",), {"kd": True}])
def test_a_name_or_a_list_of_names_stands_for_exactly_these(names):
    assert {fidelity.distillation for fidelity in values(distillation=names)} == {"kd"}
    assert FidelityGrid.model_validate({**GRID, "distillation": names}).distillation_names == ("kd",)


@pytest.mark.parametrize(
    "changes",
    [
        {"schedules": {}},
        {"schedules": {"long": None}},
        {"widths": {"whole": None}},
        {"distillation": {"none": False, "kd": None}},
        {"distillation": []},
    ],
)
def test_something_must_be_left(changes):
    with pytest.raises(ValidationError, match="at least one value that is not left out"):
        values(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedules": [{"train_fraction": "1/3", "epochs": 5}]}, "schedules\n"),
        ({"schedules": {"long": {"train_fraction": 0.3, "epochs": 5}}}, "schedules.long.train_fraction"),
        ({"schedules": {"long": {"train_fraction": "1/3", "epochs": 0}}}, "schedules.long.epochs"),
        ({"widths": {"double": 2.0}}, "widths.double"),
        ({"image_sizes": {"none": 0}}, "1 validation error(.|\n)*image_sizes.none\n"),
        ({"image_sizes": {"half": "half"}}, "1 validation error(.|\n)*image_sizes.half\n.* is 'half', but must be"),
        ({"distillation": {"kd": "perhaps"}}, "distillation.kd"),
        ({"epochs": {}}, "epochs\n"),
    ],
)
def test_an_error_names_the_place(changes, message):
    with pytest.raises(ValidationError, match=message):
        values(**changes)
