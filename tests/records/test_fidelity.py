import io
from fractions import Fraction
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import create_engine

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Fidelity, FidelitySettings
from mf_nas_kd.records.fidelity import LARGEST_DENOMINATOR, LARGEST_NUMBER
from mf_nas_kd.records.tables import records_of, table_of
from tests.properties import FIDELITIES

FIELDS = {"epochs": 2, "width": 1.0, "distillation": "none"}
SETTINGS = {**FIELDS, "image_size": "own"}


@pytest.mark.parametrize("fraction", ["1/27", "1/9", "1/3", "1"])
def test_a_fraction_survives_a_floating_point_column(fraction):
    fidelity = Fidelity(Fraction(fraction), **FIELDS)
    row = SimpleNamespace(train_fraction=float(fidelity.train_fraction), **FIELDS)
    assert Fidelity.from_row(row) == fidelity


def test_configuration_takes_fractions_as_text():
    assert FidelitySettings(train_fraction="1/27", **SETTINGS).value.train_fraction == Fraction(1, 27)
    assert FidelitySettings(train_fraction=1, **SETTINGS).value.train_fraction == 1


@pytest.mark.parametrize("wrong", [0.037, "a third", "1/0", None, "4/3", 0, "-1/3"])
def test_other_fractions_are_refused(wrong):
    with pytest.raises(ValidationError, match="train_fraction"):
        FidelitySettings(train_fraction=wrong, **SETTINGS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_fraction": Fraction(4, 3)}, "train_fraction is '4/3', but must be in"),
        ({"epochs": 0}, "epochs is 0, but must be at least 1"),
        ({"width": 0.0}, "width is 0.0, but must be in"),
        ({"image_size": 0}, "image_size is 0, but must be at least 1 pixel"),
    ],
)
def test_values_out_of_range_are_refused(change, message):
    with pytest.raises(InvalidValueError, match=message):
        Fidelity(**{"train_fraction": Fraction(1), **FIELDS, **change})


def test_image_passes_multiply():
    assert Fidelity(Fraction(1, 9), 12).image_passes == Fraction(4, 3)


@given(FIDELITIES)
def test_every_fidelity_survives_the_columns_of_a_table(fidelity):
    again = Fidelity.from_row(fidelity.to_row())
    assert again == fidelity
    assert hash(again) == hash(fidelity)
    assert str(again) == str(fidelity)


@given(st.integers(LARGEST_DENOMINATOR // 2, LARGEST_DENOMINATOR), st.data())
def test_the_largest_denominators_survive(denominator, data):
    fraction = Fraction(data.draw(st.integers(1, denominator)), denominator)
    fidelity = Fidelity(fraction, **FIELDS)
    assert Fidelity.from_row(fidelity.to_row()).train_fraction == fraction


@given(st.integers(LARGEST_DENOMINATOR + 1, 10**12))
def test_a_denominator_that_would_not_survive_is_refused(denominator):
    fraction = Fraction(1, denominator)
    with pytest.raises(InvalidValueError, match="train_fraction is '1/.* denominator of at most 1,000,000"):
        Fidelity(fraction, **FIELDS)
    with pytest.raises(ValidationError, match="denominator of at most 1,000,000"):
        FidelitySettings(train_fraction=str(fraction), **SETTINGS)


@pytest.mark.parametrize("size", [None, 16])
def test_an_image_size_survives_a_table_and_is_said(size):
    fidelity = Fidelity(Fraction(1, 9), 12, image_size=size)
    assert Fidelity.from_row(fidelity.to_row()) == fidelity
    assert ("16 pixels" in str(fidelity)) == (size == 16)
    assert fidelity.method == ("none" if size is None else "none, 16 pixels")


def test_the_images_own_size_is_called_own_in_the_configuration():
    assert FidelitySettings(train_fraction=1, **SETTINGS).value.image_size is None
    assert FidelitySettings(train_fraction=1, **{**SETTINGS, "image_size": 16}).value.image_size == 16
    with pytest.raises(ValidationError, match="image_size"):
        FidelitySettings(train_fraction=1, **{**SETTINGS, "image_size": "half"})


def test_of_equal_schedules_the_smaller_images_are_the_cheaper_fidelity():
    own, half = (Fidelity(Fraction(1, 9), 12, image_size=size) for size in (None, 16))
    wide, narrow = own, Fidelity(Fraction(1, 9), 12, width=0.5)
    assert sorted([own, half], key=lambda fidelity: fidelity.cost_order) == [half, own]
    assert sorted([wide, narrow], key=lambda fidelity: fidelity.cost_order) == [narrow, wide]


COUNTS = st.integers(1, LARGEST_NUMBER) | st.integers(LARGEST_NUMBER - 9, LARGEST_NUMBER)

ACCEPTED = st.builds(
    Fidelity,
    st.fractions(min_value=Fraction(1, LARGEST_DENOMINATOR), max_value=1, max_denominator=LARGEST_DENOMINATOR),
    epochs=COUNTS,
    width=st.floats(0, 1, exclude_min=True),
    distillation=st.text(st.characters(categories=("L", "P", "S")), min_size=1, max_size=20).filter(str.isprintable),
    image_size=st.none() | COUNTS,
)


def through_csv(table):
    as_text = {"distillation": str}  # a name can look like a number
    return pd.read_csv(
        io.StringIO(table.to_csv(index=False)), dtype=as_text, keep_default_na=False, na_values={"image_size": [""]}
    )


def through_parquet(table):
    file = io.BytesIO()
    table.to_parquet(file)
    return pd.read_parquet(file)


def through_sql(table):
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        table.to_sql("fidelities", connection, index=False)
        return pd.read_sql("SELECT * FROM fidelities", connection)


@pytest.mark.parametrize("through", [through_csv, through_parquet, through_sql])
@given(st.lists(ACCEPTED, min_size=1, max_size=4))
def test_every_accepted_fidelity_survives_every_kind_of_table(through, fidelities):
    assert records_of(through(table_of(fidelities, Fidelity)), Fidelity) == fidelities


@given(st.fractions(min_value=0, max_value=1))
def test_a_fraction_is_refused_or_survives(fraction):
    try:
        fidelity = Fidelity(fraction, **FIELDS)
    except InvalidValueError:
        assert fraction == 0 or fraction.denominator > LARGEST_DENOMINATOR
    else:
        assert Fidelity.from_row(fidelity.to_row()) == fidelity


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 2**31}, "epochs is 2147483648, but must be at least 1 and at most 2,147,483,647"),
        ({"epochs": 10**400}, "epochs is 1000.* but must be at least 1 and at most"),
        ({"image_size": 2**53 + 1}, "image_size is 9007199254740993, but must be at least 1 pixel and at most"),
        ({"width": float("nan")}, "width is nan"),
        ({"distillation": "k\0d"}, r"distillation is 'k\\x00d', but must be a name"),
        ({"distillation": "kd\ud800"}, "but must be a name of at most 255 printable characters"),
        ({"distillation": "a" * 256}, "but must be a name"),
    ],
)
def test_what_no_table_could_hold_is_refused(change, message):
    with pytest.raises(InvalidValueError, match=message):
        Fidelity(**{"train_fraction": Fraction(1), **FIELDS, **change})
