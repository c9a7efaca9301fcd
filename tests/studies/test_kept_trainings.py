"""What is kept of a final training, and its runner."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.networks import rebuild
from mf_nas_kd.paths import sqlite_url
from mf_nas_kd.records import EvaluationRequest, Fidelity
from mf_nas_kd.records.learning_curve import measured_epochs
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import run_evaluations
from mf_nas_kd.studies.kept_trainings import KeptTrainings, kept_work
from mf_nas_kd.training import accuracy_of
from mf_nas_kd.workers.inline import InlineExecutor


def run(requests, evaluator, store, kept, on_new=lambda evaluation: None):
    with InlineExecutor(evaluator) as workers:
        return run_evaluations(
            requests, evaluator, workers, store, on_new, retry_failed=False, show_progress=False, work=kept_work(kept)
        )


@pytest.fixture
def request_of(architectures):
    return EvaluationRequest(architectures[0], Fidelity(Fraction(1), 3), 0)


def test_a_kept_training_is_the_evaluation_with_its_network(evaluator, request_of, tmp_path):
    kept = KeptTrainings(tmp_path / "kept")
    (evaluation,) = run([request_of], evaluator, EvaluationStore(sqlite_url(tmp_path / "evaluations.db")), kept)
    alone = evaluator.evaluate(request_of.architecture, request_of.fidelity, request_of.seed)
    assert (evaluation.key, evaluation.metrics) == (alone.key, alone.metrics), "measuring the curve changes nothing"

    outputs = kept.require(evaluation.key)
    images = evaluator.context.images
    assert accuracy_of(outputs.validation_logits, images.validation.labels) == evaluation.metrics.val_accuracy
    assert accuracy_of(outputs.test_logits, images.test.labels) == evaluation.metrics.test_accuracy
    _, test = evaluator.context.measured(images.image_shape[1:])
    batch = test.batch(torch.arange(8), torch.zeros(8, dtype=torch.int64))
    torch.testing.assert_close(rebuild(outputs.network)(batch.images).logits, outputs.test_logits[:8])
    assert len(outputs.curve.losses) == 3
    assert outputs.curve.val_accuracies[3] == evaluation.metrics.val_accuracy
    assert outputs.curve.table["epoch"].tolist() == [1, 2, 3]


def test_nothing_is_trained_again_unless_its_file_is_gone(evaluator, request_of, tmp_path, caplog):
    kept, store, new = KeptTrainings(tmp_path / "kept"), EvaluationStore(sqlite_url(tmp_path / "evaluations.db")), []
    (first,) = run([request_of], evaluator, store, kept, new.append)
    assert run([request_of], evaluator, store, kept, new.append) == [first]
    assert len(new) == 1

    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        (again,) = run([request_of], evaluator, store, kept, new.append)
    assert "is damaged" in caplog.text
    assert (len(new), again.metrics, again.key in kept) == (2, first.metrics, True)
    assert store.find([first.key])[first.key] == again, "the newest record counts"


def test_an_evaluation_of_the_study_is_trained_again_for_its_network(evaluator, request_of, tmp_path):
    store, kept = EvaluationStore(sqlite_url(tmp_path / "evaluations.db")), KeptTrainings(tmp_path / "kept")
    with InlineExecutor(evaluator) as workers:
        (known,) = run_evaluations([request_of], evaluator, workers, store, lambda _: None, False, False)
    (kept_too,) = run([request_of], evaluator, store, kept)
    assert replace(kept_too, cost_seconds=0, finished_at="") == replace(known, cost_seconds=0, finished_at="")
    assert known.key in kept


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(MissingEvaluationError, match="run the pipeline final again"):
        KeptTrainings(tmp_path).require("a key")


@pytest.mark.parametrize(("epochs", "measurements"), [(1, 20), (7, 20), (100, 20), (30, 1), (5, 0)])
def test_measured_epochs_are_spread_and_end_with_the_last(epochs, measurements):
    measured = measured_epochs(epochs, measurements)
    assert len(measured) == max(1, min(epochs, measurements))
    assert max(measured) == epochs
