from fractions import Fraction

import pandas as pd
import pytest

from mf_nas_kd.benchmarks.study import study_table
from mf_nas_kd.benchmarks.table import CANDIDATE_COLUMNS, EVALUATION_COLUMNS
from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import Evaluation, Fidelity
from mf_nas_kd.records.tables import candidate_table, table_of
from mf_nas_kd.studies.plan import plan_table, requests_of
from tests.fakes import FakeEvaluator

FULL = Fidelity(Fraction(1), epochs=5)
LOW = (Fidelity(Fraction(1, 3), epochs=6), Fidelity(Fraction(1, 27), epochs=9, width=0.5, distillation="kd"))


@pytest.fixture
def candidates(architectures):
    return candidate_table(architectures, CostCounter(10, (1, 8, 8)))


@pytest.fixture
def plan(architectures):
    return plan_table(architectures, LOW, FULL, 0, FakeEvaluator())


@pytest.fixture
def evaluations(plan):
    fake = FakeEvaluator()
    return table_of((fake.evaluate(r.architecture, r.fidelity, r.seed) for r in requests_of(plan)), Evaluation)


def test_a_study_is_a_table(plan, evaluations, candidates):
    table = study_table(plan, evaluations, candidates)
    assert (table.dataset, table.space) == ("fake", "mobilenet_v2")
    assert tuple(table.candidates.columns) == CANDIDATE_COLUMNS
    assert tuple(table.evaluations.columns) == EVALUATION_COLUMNS
    assert table.candidates.drop(columns="index").equals(candidates)
    assert list(table.candidates["index"]) == list(range(len(candidates)))
    assert table.searched == table.truth == FULL
    assert table.low == (LOW[1], LOW[0]), "cheapest first"
    assert len(table.evaluations) == len(plan)


def test_what_is_not_planned_does_not_count(plan, evaluations, candidates, architectures):
    other = FakeEvaluator().evaluate(architectures[0], Fidelity(Fraction(1, 9), epochs=1), 0)
    more = pd.concat([evaluations, table_of([other], Evaluation)])
    assert study_table(plan, more, candidates).evaluations.equals(
        study_table(plan, evaluations, candidates).evaluations
    )


def test_further_seeds_are_not_part_of_the_table(plan, evaluations, candidates, architectures):
    fake = FakeEvaluator()
    more = plan_table(architectures, LOW, FULL, 0, fake, seeds=2)
    all_seeds = table_of((fake.evaluate(r.architecture, r.fidelity, r.seed) for r in requests_of(more)), Evaluation)
    found, expected = study_table(more, all_seeds, candidates), study_table(plan, evaluations, candidates)
    pd.testing.assert_frame_equal(found.evaluations, expected.evaluations)


def test_candidates_without_a_full_training_are_left_out(plan, evaluations, candidates, caplog):
    full = evaluations.index[evaluations["epochs"] == FULL.epochs]
    evaluations.loc[full[0], ["status", "val_accuracy", "test_accuracy"]] = ["failed", None, None]
    short = evaluations.index[evaluations["epochs"] == LOW[0].epochs]
    table = study_table(plan, evaluations.drop(index=[full[1], short[3]]), candidates)
    assert list(table.candidates["index"]) == list(range(2, len(candidates)))
    assert set(table.evaluations["architecture_id"]) == set(candidates["architecture_id"][2:])
    assert len(table.at(LOW[0])) == len(table.candidates) - 1
    assert f"2 of {len(candidates)} candidates are left out" in caplog.text
    assert candidates["architecture_id"][1] in caplog.text


def test_a_study_without_a_full_training_is_one_error(plan, evaluations, candidates):
    with pytest.raises(
        MissingEvaluationError, match="none of the 6 candidates has a finished high-fidelity evaluation in the store"
    ):
        study_table(plan, evaluations[evaluations["epochs"] != FULL.epochs], candidates)
    with pytest.raises(MissingEvaluationError, match="run the evaluation pipeline"):
        study_table(plan, evaluations.head(0), candidates)
