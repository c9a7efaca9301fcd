"""Parameters of a study that its stages share."""

from __future__ import annotations

from fractions import Fraction

import pytest
import yaml
from pydantic import ValidationError

from mf_nas_kd.records import Fidelity
from mf_nas_kd.studies import EvaluationParameters


@pytest.fixture
def parameters(project):
    return yaml.safe_load((project / "conf/base/parameters_evaluation.yml").read_text())["evaluation"]


def with_pauses(parameters, **pauses):
    return EvaluationParameters.model_validate({**parameters, "pauses": pauses})


def test_pauses_are_low_fidelities_that_the_target_continues(parameters):
    found = with_pauses(parameters, first=4, second=None, third=2)
    epochs = [each.epochs for each in found.low_fidelities if found.full.value.continues(each)]
    assert epochs == [2, 4]
    assert len(found.low_fidelities) == len(found.low.values) + 2
    assert with_pauses(parameters).low_fidelities == found.low.values


def test_a_pause_that_the_grid_has_already_is_there_once(parameters):
    low = {**parameters["low"], "schedules": {"half": {"train_fraction": 1, "epochs": 4}}}
    found = EvaluationParameters.model_validate({**parameters, "low": low, "pauses": {"first": 4}})
    assert found.low_fidelities.count(Fidelity(Fraction(1), 4)) == 1


@pytest.mark.parametrize("epochs", [8, 9])
def test_a_pause_at_the_end_or_after_it_is_refused(parameters, epochs):
    with pytest.raises(ValidationError, match=f"evaluation.pauses.first is {epochs}, but must be less than 8"):
        with_pauses(parameters, first=epochs)
