"""The final stage: what is trained, in which order, and what is chosen."""

from __future__ import annotations

import logging
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mf_nas_kd.errors import MissingEvaluationError, TrainingFailedError
from mf_nas_kd.records import Architecture, Costs, Evaluation, Fidelity, Metrics
from mf_nas_kd.records.costs import ON_DEVICE
from mf_nas_kd.records.metrics import ACCURACY, BALANCED_ACCURACY
from mf_nas_kd.studies.final_budget import ExpectedCost, FinalPlan, affordable
from mf_nas_kd.studies.final_tables import final_pareto_front, final_trainings_table, mean_metrics, teacher_score
from mf_nas_kd.studies.final_training import FinalNetwork, FinalStage

EPOCHS = 10
NOT_MEASURED = pd.DataFrame(columns=["architecture_id", *ON_DEVICE])


def network(name, macs, role="finalist"):
    return FinalNetwork(name, role, Architecture.of("test", name=name), Costs(macs=macs, params=macs // 10))


def evaluation(request, accuracy, macs=1000, seconds=10.0, balanced=None):
    failed = accuracy is None
    return Evaluation(
        key=f"{request.architecture.id} {request.fidelity} {request.seed}",
        architecture=request.architecture,
        fidelity=request.fidelity,
        seed=request.seed,
        dataset="digits",
        dataset_fingerprint="f",
        teacher_fingerprint="t",
        status="failed" if failed else "finished",
        error="TrainingFailedError: lost" if failed else "",
        metrics=Metrics(accuracy, None if failed else accuracy - 0.05, balanced, balanced),
        cost_seconds=seconds,
        lost_seconds=0.0,
        costs=Costs(macs=macs, params=10),
        device="cpu",
        code_version="0",
        finished_at="",
    )


class Trainer:
    """Answers with accuracies by name and way; the seed adds a hundredth."""

    def __init__(self, accuracies):
        self.accuracies = accuracies
        self.asked = []

    def __call__(self, requests):
        answers = []
        for request in requests:
            name, way = request.architecture.fields["name"], request.fidelity.distillation
            self.asked.append((name, way, request.seed))
            accuracy = self.accuracies[name, way]
            answers.append(evaluation(request, None if accuracy is None else accuracy + request.seed / 100))
        return answers


def stage(accuracies, ways=("kd",), seeds=(0, 1, 2), budget_seconds=1e9, known=()):
    trainer = Trainer(accuracies)
    return trainer, FinalStage(EPOCHS, ways, seeds, budget_seconds, ExpectedCost(known), ACCURACY, trainer)


TWO = [network("a", 1000), network("b", 500)]


def test_all_that_is_chosen_is_chosen_by_validation_accuracy():
    accuracies = {("a", "none"): 0.80, ("b", "none"): 0.70, ("a", "kd"): 0.78, ("b", "kd"): 0.90, ("r", "kd"): 0.5}
    trainer, final = stage(accuracies)
    winner = final.run(TWO, lambda macs: [network("r", macs, "reference")], teacher_score=0.95)
    assert (winner.name, final.way) == ("b", "kd"), "the mean of both finalists is higher with kd"
    assert trainer.asked == [
        *[(name, "none", 0) for name in "ab"],
        *[(name, "kd", 0) for name in "ab"],
        *[(name, "kd", seed) for seed in (1, 2) for name in "ab"],
        *[("r", "kd", seed) for seed in (0, 1, 2)],
    ]
    assert final.trainings[-1].network.costs.macs == 500, "references are made for the winner"
    assert final.spent_seconds == 110.0
    assert final.outcome["warnings"] == []
    assert "95.00 %" in final.teacher_worth


def test_nothing_is_distilled_from_a_teacher_that_a_finalist_beats(caplog):
    trainer, final = stage({("a", "none"): 0.80, ("b", "none"): 0.70})
    with caplog.at_level(logging.WARNING):
        winner = final.run(TWO, lambda macs: [], teacher_score=0.80)
    assert {way for _, way, _ in trainer.asked} == {"none"}
    assert (winner.name, final.way) == ("a", "none")
    assert "nothing is distilled from it" in caplog.text
    assert "teacher.epochs" in final.outcome["warnings"][0]


def test_a_failed_training_loses_and_no_finished_one_is_an_error():
    accuracies = {("a", "none"): None, ("b", "none"): 0.6, ("a", "kd"): 0.9, ("b", "kd"): None}
    _, final = stage(accuracies, seeds=(0,))
    assert final.run(TWO, lambda macs: [], teacher_score=1.0).name == "a"
    assert final.way == "kd", "in each way a finalist failed: the best of the others counts"
    with pytest.raises(TrainingFailedError, match="no final training of a finalist finished; the first: .*lost"):
        stage(dict.fromkeys(accuracies))[1].run(TWO, lambda macs: [], teacher_score=1.0)


def test_a_small_budget_has_fewer_seeds_and_says_so(caplog):
    # Of one epoch: 1 s for a thousand multiply-accumulates. The trainings take 10 s each, more than the 7.5 s expected.
    known = [evaluation_of(macs, seconds=macs / 1000) for macs in (500, 1000, 2000)]
    accuracies = {(name, way): 0.5 for name in "abr" for way in ("none", "kd")}
    trainer, final = stage(accuracies, budget_seconds=65.0, known=known)
    with caplog.at_level(logging.WARNING):
        final.run(TWO, lambda macs: [network("r", 1000, "reference")], teacher_score=0.9)
    # Four trainings took 40 s; a second seed of both and two trainings of the reference would take 46 s, one 13 s.
    assert {seed for _, _, seed in trainer.asked} == {0}
    assert [name for name, _, _ in trainer.asked].count("r") == 1
    assert "left of final.budget_seconds, 25 of 65, affords 1 of 3 seeds and 1 of 1 reference networks" in caplog.text


def test_what_distillation_would_have_cost_pays_for_seeds():
    known = [evaluation_of(macs, seconds=1.0) for macs in (500, 1000)]
    trainer, final = stage({(name, "none"): 0.9 for name in "abr"}, budget_seconds=91.0, known=known)
    final.run(TWO, lambda macs: [network("r", 1000, "reference")], teacher_score=0.8)
    assert len(trainer.asked) == 9, "three networks with three seeds each, 10 s each"
    assert all("seeds" not in warning for warning in final.warnings)


def evaluation_of(macs, seconds):
    class Request:
        architecture, fidelity, seed = Architecture.of("test", name=str(macs)), Fidelity(Fraction(1), 1), 0

    return evaluation(Request, 0.5, macs, seconds)


def test_expected_cost_grows_with_macs_and_is_nothing_without_evaluations():
    known = [evaluation_of(macs, seconds=2 + macs / 1000) for macs in (500, 1000, 3000)]
    assert ExpectedCost(known)(Costs(macs=2000, params=1), epochs=3) == pytest.approx(12.0)
    assert ExpectedCost([])(Costs(macs=2000, params=1), epochs=3) == 0.0


COSTS = st.lists(st.floats(0.1, 100), min_size=1, max_size=4)


@given(COSTS, COSTS, st.integers(0, 3), st.integers(1, 5), st.floats(0, 3000))
def test_an_affordable_plan_is_within_the_budget_or_the_least(finalists, references, ways, seeds, budget):
    wanted = FinalPlan(len(finalists), ways, seeds, len(references))
    plan = affordable(wanted, budget, finalists, references)
    assert plan.seconds(finalists, references) <= budget or plan == FinalPlan(1, 0, 1, 0)
    assert plan == wanted or wanted.seconds(finalists, references) > budget


def test_tables_have_means_over_the_chosen_trainings():
    accuracies = {("a", "none"): 0.80, ("b", "none"): 0.70, ("a", "kd"): 0.82, ("b", "kd"): 0.72, ("r", "kd"): 0.9}
    _, final = stage(accuracies)
    final.run(TWO, lambda macs: [network("r", macs, "reference")], teacher_score=0.95)
    table = final_trainings_table(final.trainings, final.way)
    assert table.groupby("name")["chosen"].sum().to_dict() == {"a": 3, "b": 3, "r": 3}
    means = mean_metrics(table).set_index("name")
    assert means.loc["a", "val_accuracy"] == pytest.approx(0.83)
    assert means.loc["a", "test_accuracy"] == pytest.approx(0.78)
    assert means["seeds"].tolist() == [3, 3, 3]
    front = final_pareto_front(table, NOT_MEASURED, ACCURACY)
    assert front["val_accuracy"].tolist() == pytest.approx([0.83]), "the evaluations have one cost: the best is left"
    assert final_pareto_front(table, NOT_MEASURED, ACCURACY, "latency_ms").empty
    a, b = (network(name, 0).architecture.id for name in "ab")
    measured = pd.DataFrame({"architecture_id": [a, b], "latency_ms": [2.0, 1.0], "activation_kib": 1, "model_kib": 1})
    assert final_pareto_front(table, measured, ACCURACY, "latency_ms")["architecture_id"].tolist() == [b, a]


@pytest.mark.parametrize(
    ("metric", "winner", "told"),
    [(ACCURACY, "a", "accuracy is 80.00 %"), (BALANCED_ACCURACY, "b", "balanced accuracy is")],
)
def test_the_metric_that_selects_chooses_winner_front_and_whether_to_distil(metric, winner, told):
    """One network is better on all images, the other on the mean over classes."""
    values = {"a": (0.85, 0.60), "b": (0.80, 0.75)}

    def train(requests):
        found = [values[each.architecture.fields["name"]] for each in requests]
        return [evaluation(each, a, balanced=b) for each, (a, b) in zip(requests, found, strict=True)]

    final = FinalStage(EPOCHS, ("kd",), (0, 1), 1e9, ExpectedCost(()), metric, train)
    assert final.run([network("a", 1000), network("b", 1000)], lambda _: (), 0.80).name == winner
    assert told in final.teacher_worth
    assert final.outcome["metric"] == metric.name
    front = final_pareto_front(final_trainings_table(final.trainings, final.way), NOT_MEASURED, metric)
    assert front["architecture_id"].tolist() == [network(winner, 1000).architecture.id]


def test_a_teacher_that_was_measured_by_an_earlier_version_is_refused_with_one_line():
    assert teacher_score({"val_accuracy": 0.8}, ACCURACY) == 0.8
    with pytest.raises(
        MissingEvaluationError, match="teacher's balanced accuracy was not measured: run the teacher pipe"
    ):
        teacher_score({"val_accuracy": 0.8}, BALANCED_ACCURACY)
