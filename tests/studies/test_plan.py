"""A plan is a table of requests: nothing of them is lost in it."""

from dataclasses import replace
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.records import Architecture, Evaluation, EvaluationRequest, Fidelity
from mf_nas_kd.records.tables import records_of, table_of
from mf_nas_kd.seeding import fingerprint
from mf_nas_kd.studies.plan import finished_evaluations, plan_table, planned_evaluations, requests_of, require_current
from tests.fakes import FakeEvaluator
from tests.properties import ARCHITECTURES, FIDELITIES, SEEDS

FULL = Fidelity(Fraction(1), epochs=9)
LOW = (Fidelity(Fraction(1, 9), epochs=1), Fidelity(Fraction(1, 3), epochs=3, distillation="kd"))


class Exact(FakeEvaluator):
    """Keys in which every digit counts."""

    def key(self, architecture, fidelity, seed):
        return fingerprint([architecture.to_row(), fidelity.to_row(), seed], length=32)


@pytest.fixture
def plan(architectures):
    return plan_table(architectures, LOW, FULL, 0, FakeEvaluator())


@given(
    st.lists(ARCHITECTURES, min_size=1, max_size=4, unique=True),
    st.lists(FIDELITIES, max_size=4, unique=True),
    FIDELITIES,
    SEEDS,
)
def test_the_requests_of_a_plan_are_those_it_was_made_of(architectures, low, full, seed):
    plan = plan_table(architectures, low, full, seed, Exact())
    fidelities = [*(fidelity for fidelity in low if fidelity != full), full]
    assert requests_of(plan) == [EvaluationRequest(a, fidelity, seed) for fidelity in fidelities for a in architectures]
    assert plan["role"].tolist() == [
        "full" if fidelity == full else "low" for fidelity in fidelities for _ in architectures
    ]
    require_current(plan, Exact())


def test_a_plan_survives_its_file(plan, tmp_path):
    plan.to_parquet(tmp_path / "plan.parquet")
    assert requests_of(pd.read_parquet(tmp_path / "plan.parquet")) == requests_of(plan)


def test_the_target_fidelity_among_the_low_ones_is_planned_once(architectures):
    plan = plan_table(architectures, [*LOW, FULL], FULL, 0, FakeEvaluator())
    assert plan["key"].is_unique
    assert plan["role"].tolist() == ["low"] * 2 * len(architectures) + ["full"] * len(architectures)


def test_further_seeds_of_the_target_fidelity_are_repeats(architectures):
    plan = plan_table(architectures, LOW, FULL, 5, FakeEvaluator(), seeds=3)
    count = len(architectures)
    assert plan["role"].tolist() == ["low"] * 2 * count + ["repeat"] * 2 * count + ["full"] * count
    assert plan.groupby("role")["seed"].unique().map(list).to_dict() == {"full": [5], "low": [5], "repeat": [6, 7]}
    one = plan_table(architectures, LOW, FULL, 5, FakeEvaluator())
    assert plan.loc[plan["role"] != "repeat", "key"].tolist() == one["key"].tolist()
    assert {request.fidelity for request in requests_of(plan[plan["role"] == "repeat"])} == {FULL}


def test_a_plan_of_other_keys_is_refused(plan):
    with pytest.raises(MissingEvaluationError, match=rf"{len(plan)} of {len(plan)} planned evaluations were made with"):
        require_current(plan, Exact())


def test_evaluations_come_in_the_order_of_the_plan_without_those_of_others(plan):
    evaluator = FakeEvaluator()
    requests = [*requests_of(plan), EvaluationRequest(Architecture.of("x", n=1), FULL, 0)]
    store = table_of([evaluator.evaluate(r.architecture, r.fidelity, r.seed) for r in reversed(requests)], Evaluation)
    found = planned_evaluations(plan, store)
    assert found["key"].tolist() == plan["key"].tolist()
    assert found["role"].tolist() == plan["role"].tolist()
    with pytest.raises(MissingEvaluationError, match=rf"1 of {len(plan)} planned evaluations are not in the store"):
        planned_evaluations(plan, store[store["key"] != plan["key"].iloc[0]])


def test_what_failed_is_left_out_and_without_a_finished_target_there_is_nothing_to_compare_with(plan):
    evaluator = FakeEvaluator()
    records = [evaluator.evaluate(r.architecture, r.fidelity, r.seed) for r in requests_of(plan)]
    failed = [replace(e, status="failed", error="no memory") if e.fidelity == FULL else e for e in records]
    one_failed = [*records[:-1], failed[-1]]
    assert finished_evaluations(plan, table_of(one_failed, Evaluation))["key"].tolist() == plan["key"].tolist()[:-1]
    with pytest.raises(MissingEvaluationError, match=r"no .* finished, so there is nothing to compare with.*no memory"):
        finished_evaluations(plan, table_of(failed, Evaluation))


def test_a_plan_of_an_earlier_version_has_no_image_size(architectures, short):
    fake = FakeEvaluator()
    plan = plan_table(architectures[:2], [], short, 0, fake).drop(columns="image_size")
    evaluations = table_of([fake.evaluate(r.architecture, r.fidelity, r.seed) for r in requests_of(plan)], Evaluation)
    assert records_of(planned_evaluations(plan, evaluations), Fidelity) == [short, short]
