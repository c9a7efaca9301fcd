import pytest

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.planning.quantities import count_of, seconds_of


@pytest.mark.parametrize("text", ["", "M", "-5M", "0", "5T", "5 M 3", "1e6x", "five", "0.0001"])
def test_what_is_no_count_is_refused_by_its_name(text):
    with pytest.raises(InvalidValueError, match="^--max-macs is .*such as 5M"):
        count_of(text, "--max-macs")


@pytest.mark.parametrize("text", ["", "5", "30s", "0h", "-1h", "1y", "1h later", "h"])
def test_what_is_no_duration_or_a_short_one_is_refused(text):
    with pytest.raises(InvalidValueError, match="^--budget is .*such as 20m"):
        seconds_of(text, "--budget")


def test_units_may_be_combined():
    assert seconds_of("1d 2h 3min 4s", "--budget") == 86400 + 7200 + 180 + 4
    assert seconds_of("1.5h", "--budget") == 5400
    assert count_of("2.5 M", "--max-macs") == 2_500_000
