"""Trainings that are paused and continued: the result is that of an uninterrupted training, whatever becomes of a pause."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
import yaml

from mf_nas_kd.paths import sqlite_url
from mf_nas_kd.records import EvaluationRequest, Fidelity
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies.paused_trainings import PausedTrainings, pausing_work
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingSettings
from mf_nas_kd.workers.inline import InlineExecutor
from tests.conftest import SETTINGS

NINTH = Fraction(1, 9)
LARGE = 1e9


@pytest.fixture(scope="module")
def make(digits, order, teacher, project):
    """Makes evaluators with the schedule, and all distillation configurations of the project."""
    distillation = yaml.safe_load((project / "conf/base/parameters_distillation.yml").read_text())["distillation"]

    def make(**changes):
        schedule = {"schedule": "constant_then_decay", **changes}
        hyper_parameters = SETTINGS["hyper_parameters"] | schedule
        settings = {**SETTINGS, "hyper_parameters": hyper_parameters, "distillation": distillation}
        return TrainingEvaluator(digits, order, TrainingSettings.model_validate(settings), teacher)

    return make


@pytest.fixture(scope="module")
def pausing(make):
    return make()


def run(evaluator, paused, folder, *fidelities, architecture, seed=3):
    requests = [EvaluationRequest(architecture, each, seed) for each in fidelities]
    with InlineExecutor(evaluator) as workers:
        return run_evaluations(
            requests,
            evaluator,
            workers,
            EvaluationStore(sqlite_url(folder / "evaluations.db")),
            lambda _: None,
            retry_failed=False,
            show_progress=False,
            work=pausing_work(evaluator, paused),
        )


def outcome(evaluation):
    return evaluation.metrics, evaluation.learning_curve


@pytest.mark.parametrize(
    ("distillation", "changes"),
    [
        ("none", {}),
        ("none", {"weight_averaging": 0.9, "momentum": 0.0}),
        ("none", {"mixup": 0.4, "class_weights": "balanced"}),
        ("kd", {}),
        ("attention_balanced", {}),
        ("crd", {}),
        ("vid", {}),
    ],
)
def test_a_continued_training_equals_an_uninterrupted_one_to_the_last_bit(
    make, architectures, tmp_path, distillation, changes
):
    evaluator = make(**changes)
    short, middle, long = (Fidelity(NINTH, epochs, distillation=distillation) for epochs in (3, 5, 9))
    paused = PausedTrainings(tmp_path / "paused", LARGE)
    first, second, third = run(evaluator, paused, tmp_path, short, middle, long, architecture=architectures[0])

    uninterrupted = evaluator.evaluate(architectures[0], long, 3)
    assert outcome(third) == outcome(uninterrupted)
    assert (first.reused_seconds, uninterrupted.reused_seconds) == (0.0, 0.0)
    assert second.reused_seconds == first.pause_seconds > 0
    assert third.reused_seconds == second.pause_seconds > first.pause_seconds
    assert third.charged_seconds == third.cost_seconds - third.reused_seconds
    assert first.pause_seconds < first.cost_seconds


@pytest.mark.parametrize("harm", ["removed", "damaged", "unreadable"])
def test_a_lost_pause_costs_only_time(pausing, architectures, tmp_path, harm, caplog):
    short, long = Fidelity(NINTH, 3), Fidelity(NINTH, 9)
    paused = PausedTrainings(tmp_path / "paused", LARGE)
    run(pausing, paused, tmp_path, short, architecture=architectures[0])
    (file,) = (tmp_path / "paused").iterdir()
    if harm == "damaged":
        file.write_bytes(file.read_bytes()[:-100])
    else:
        file.unlink()
    if harm == "unreadable":
        file.mkdir()
    with caplog.at_level(logging.WARNING):
        (continued,) = run(pausing, paused, tmp_path, long, architecture=architectures[0])
    assert continued.reused_seconds == 0.0
    assert outcome(continued) == outcome(pausing.evaluate(architectures[0], long, 3))
    assert ("anew" in caplog.text) == (harm != "removed")


def test_pauses_stay_within_their_limit_and_the_least_recently_used_go_first(pausing, architectures, tmp_path):
    short, long = Fidelity(NINTH, 3), Fidelity(NINTH, 9)
    run(pausing, PausedTrainings(tmp_path / "one", LARGE), tmp_path, short, architecture=architectures[0])
    (file,) = (tmp_path / "one").iterdir()

    limit = 2.5 * file.stat().st_size
    paused = PausedTrainings(tmp_path / "limited", limit)
    folder, evaluations = tmp_path / "limited", EvaluationRequest(architectures[0], short, 0)
    for seed in range(4):
        paused.keep(pausing.evaluate_and_pause(replace(evaluations, seed=seed)))
        assert sum(each.stat().st_size for each in folder.iterdir()) <= limit
        if seed == 2:  # the first of the two that are left is used
            assert paused.latest(*pausing.start(EvaluationRequest(architectures[0], long, 1)))
    kept = [seed for seed in range(4) if paused.latest(*pausing.start(EvaluationRequest(architectures[0], long, seed)))]
    assert kept == [1, 3]

    PausedTrainings(tmp_path / "none", 0).keep(pausing.evaluate_and_pause(evaluations))
    assert not (tmp_path / "none").exists()


def test_a_full_disk_costs_the_pause_only(pausing, architectures, tmp_path, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mf_nas_kd.studies.paused_trainings.written_whole", full)
    paused = PausedTrainings(tmp_path / "paused", LARGE)
    (evaluation,) = run(pausing, paused, tmp_path, Fidelity(NINTH, 3), architecture=architectures[0])
    assert evaluation.finished
    assert "No space left" in caplog.text


def test_only_what_shares_its_start_is_continued(pausing, evaluator, architectures):
    def start(fidelity, architecture=architectures[0], seed=0, of=pausing):
        found = of.start(EvaluationRequest(architecture, fidelity, seed))
        return None if found is None else found[0]

    short = Fidelity(NINTH, 4)
    assert start(short) == start(replace(short, epochs=9))
    others = [replace(short, train_fraction=Fraction(1)), replace(short, distillation="kd"), replace(short, width=0.5)]
    names = [start(each) for each in [short, *others]]
    names += [start(short, architectures[1]), start(short, seed=1)]
    assert len({*names}) == len(names)
    assert start(replace(short, epochs=1)) is None, "it decays from its first step on"
    assert start(replace(short, distillation="dkd")) is None, "the weight of its loss rises with the progress"
    assert start(short, of=evaluator) is None, "a cosine depends on the number of epochs from the first step on"


def test_measuring_a_learning_curve_costs_a_tenth_of_the_training_at_most(digits, order, settings, architectures):
    few = TrainingEvaluator(digits, order, settings, None, checkpoints=2)
    every = TrainingEvaluator(digits, order, settings, None)
    all_images, ninth = Fidelity(Fraction(1), 8), Fidelity(NINTH, 8)
    cases = {"every": (every, all_images), "few": (few, all_images), "small": (every, ninth)}
    epochs = {
        name: sorted(evaluator.evaluate(architectures[0], fidelity, 0).learning_curve.val_accuracies)
        for name, (evaluator, fidelity) in cases.items()
    }
    assert 4 <= 0.1 * 3 * 8 * len(digits.train) / len(digits.validation) < 5
    assert epochs == {"every": [2, 4, 6, 8], "few": [4, 8], "small": [8]}


def test_many_validation_images_are_measured_in_part(digits, order, settings, architectures, monkeypatch):
    monkeypatch.setattr("mf_nas_kd.studies.training_evaluator.FEWEST_MEASURED", 100)
    evaluator = TrainingEvaluator(digits, order, settings, None)
    curve = evaluator.evaluate(architectures[0], Fidelity(Fraction(1), 8), 0).learning_curve
    assert sorted(curve.val_accuracies) == [*range(1, 9)]
    part = evaluator.context.measured_part(digits.image_shape[1:], 2)
    assert torch.equal(part.labels, digits.validation.labels[::2])
    assert 8 * len(part) < 0.1 * 3 * 8 * len(digits.train)
