import pickle
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from pydantic import ValidationError

from mf_nas_kd import device
from mf_nas_kd.errors import InvalidValueError, MissingTeacherError, UnknownNameError, WorkerStartError
from mf_nas_kd.images import SubsetOrder, load_images
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies import training_context as module
from mf_nas_kd.studies import training_evaluator
from mf_nas_kd.studies.runner import evaluate, run_evaluations
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingSettings
from mf_nas_kd.workers import open_executor
from tests.conftest import SETTINGS
from tests.fakes import executor_settings

CROP_FLIP = SETTINGS["augmentation"]["options"]["crop_flip"]
DIFFERS = {"cost_seconds", "finished_at"}


def augmentation(**changes):
    return {"name": "crop_flip", "options": {"crop_flip": {**CROP_FLIP, **changes}}}


def with_kd(**changes):
    return {**SETTINGS["distillation"], "kd": {**SETTINGS["distillation"]["kd"], **changes}}


def science(evaluation):
    return {name: value for name, value in evaluation.to_row().items() if name not in DIFFERS}


@pytest.mark.parametrize("distillation", ["none", "kd"])
def test_the_same_request_gives_the_same_record_in_every_process(evaluator, architectures, short, distillation):
    fidelity = replace(short, distillation=distillation)
    here = [evaluator.evaluate(architecture, fidelity, 0) for architecture in architectures[:3]]
    assert all(evaluation.finished for evaluation in here)
    with open_executor(executor_settings("processes"), evaluator) as workers:
        futures = [workers.submit(evaluate, EvaluationRequest(a, fidelity, 0)) for a in architectures[:3]]
        elsewhere = [future.result() for future in futures]
    assert [science(e) for e in here] == [science(e) for e in elsewhere]


def test_an_evaluator_that_has_trained_can_still_be_sent(evaluator, architectures, short):
    evaluator.evaluate(architectures[0], replace(short, distillation="kd"), 0)
    again = pickle.loads(pickle.dumps(evaluator))
    assert again.key(architectures[0], short, 0) == evaluator.key(architectures[0], short, 0)


def test_a_worker_of_another_precision_refuses(evaluator, monkeypatch):
    """Keys and cached targets are the driver's."""
    sent = pickle.dumps(evaluator)
    monkeypatch.setattr(module, "autocast_dtype", lambda device: torch.bfloat16)
    with pytest.raises(WorkerStartError, match=r"trains in torch.bfloat16 .* plans for torch.float32"):
        pickle.loads(sent)


def test_the_key_changes_with_everything_that_changes_the_result(
    digits, order, settings, teacher, architectures, short
):
    def key(architecture=architectures[0], fidelity=short, seed=0, change=None, **parts):
        parts = {"images": digits, "order": order, "teacher": teacher, **parts}
        changed = settings if change is None else TrainingSettings.model_validate({**SETTINGS, **change})
        return TrainingEvaluator(settings=changed, **parts).key(architecture, fidelity, seed)

    other_order = SubsetOrder.draw(digits.train, seed=1)
    weights = {name: tensor + 1 for name, tensor in teacher.weights.items()}
    other_teacher = TrainedNetwork(teacher.description, weights)
    kd = replace(short, distillation="kd")
    full = replace(short, train_fraction=Fraction(1))
    hyper_parameters = {**SETTINGS["hyper_parameters"], "learning_rate": 0.2}
    hotter = with_kd(options={"temperature": 2.0, "standardise_logits": False})
    more = with_kd(loss_weight=0.8)
    keys = [
        key(),
        key(images=load_images("digits", 0.25, 0.25, seed=1), teacher=None),
        key(change={"hyper_parameters": {**SETTINGS["hyper_parameters"], "batch_size": 8}}),
        key(fidelity=kd, change={"distillation": more}),
        key(architecture=architectures[1]),
        key(seed=1),
        key(order=other_order),
        key(change={"hyper_parameters": hyper_parameters}),
        key(change={"augmentation": augmentation(padding=2)}),
        key(change={"augmentation": {"name": "none", "options": {"none": {}}}}),
        key(fidelity=full),
        key(fidelity=replace(short, epochs=2)),
        key(fidelity=replace(short, width=0.5)),
        key(fidelity=kd),
        key(fidelity=kd, teacher=other_teacher),
        key(fidelity=kd, change={"distillation": hotter}),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == key(teacher=other_teacher), "a plain training has no teacher"
    assert key() == key(change={"distillation": hotter}), "nor a temperature"
    assert key(fidelity=full) == key(fidelity=full, order=other_order), "all images have no order"
    assert key() == key(change={"device": "auto"})
    assert key(fidelity=kd) == key(fidelity=kd, change={"target_cache_gib": 0.0})


def test_a_training_that_fails_is_a_record(digits, order, teacher, architectures, short):
    hyper_parameters = {**SETTINGS["hyper_parameters"], "learning_rate": 1e9}
    exploding = TrainingEvaluator(
        digits, order, TrainingSettings.model_validate({**SETTINGS, "hyper_parameters": hyper_parameters}), teacher
    )
    evaluation = exploding.evaluate(architectures[0], replace(short, epochs=30), 0)
    assert evaluation.status == "failed"
    assert "TrainingFailedError: the mean loss of epoch" in evaluation.error
    assert evaluation.metrics.val_accuracy is None
    assert evaluation.costs.macs > 0


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("out of memory"), OSError(28, "No space left"), MemoryError(), KeyError("alpha")]
)
def test_what_says_nothing_of_an_architecture_becomes_no_record(evaluator, architectures, short, monkeypatch, error):
    def fit(*arguments, **options):
        raise error

    monkeypatch.setattr(training_evaluator, "fit", fit)
    with pytest.raises(type(error)):
        evaluator.evaluate(architectures[0], short, 0)


def test_a_gpu_that_does_not_work_is_no_place_for_a_worker(evaluator, monkeypatch):
    sent = pickle.dumps(evaluator)

    def broken(*arguments, **options):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(device, "describe_device", str)
    monkeypatch.setattr(device.torch, "ones", broken)
    with pytest.raises(WorkerStartError, match="the device cuda does not work: CUDA error: an illegal memory"):
        device.require_working(torch.device("cuda"))
    monkeypatch.setattr(training_evaluator, "require_working", lambda _: device.require_working(torch.device("cuda")))
    with pytest.raises(WorkerStartError, match="does not work"):
        pickle.loads(sent)


def test_distillation_changes_the_training(evaluator, architectures, short):
    longer = replace(short, train_fraction=Fraction(1, 3), epochs=2)
    plain = evaluator.evaluate(architectures[0], longer, 0)
    distilled = evaluator.evaluate(architectures[0], replace(longer, distillation="kd"), 0)
    assert plain.metrics != distilled.metrics
    assert (plain.teacher_fingerprint, distilled.teacher_fingerprint != "") == ("", True)


def test_what_cannot_be_evaluated_is_refused_before_training(digits, order, settings, teacher, architectures, short):
    alone = TrainingEvaluator(digits, order, settings, teacher=None)
    with pytest.raises(MissingTeacherError, match="run the teacher pipeline first"):
        alone.key(architectures[0], replace(short, distillation="kd"), 0)
    with pytest.raises(UnknownNameError, match="distillation of a fidelity is 'nts', but must be one of: kd, none"):
        alone.key(architectures[0], replace(short, distillation="nts"), 0)
    foreign = TrainedNetwork(replace(teacher.description, classes=100), teacher.weights)
    with pytest.raises(InvalidValueError, match=r"the teacher's \(classes, image shape\) is \(100, .*train a teacher"):
        TrainingEvaluator(digits, order, settings, foreign)


def test_a_teacher_of_another_split_is_refused(order, settings, teacher):
    """It has learned images that are now validation or test."""
    other = load_images("digits", 0.25, 0.25, seed=1)
    with pytest.raises(
        InvalidValueError, match="may have learned what is now validation or test; run the teacher pipeline"
    ):
        TrainingEvaluator(other, order, settings, teacher)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0, "standardise_logits": False}, "temperature is -1.0, but must be above 0"),
        (
            {"temperature": "hot", "standardise_logits": False},
            "option 'temperature' of .* 'kd' is 'hot', but must be of",
        ),
        ({"temperature": 4.0}, r"must be all of: \('temperature', 'standardise_logits'\)"),
    ],
)
def test_options_that_a_loss_refuses_are_found_when_the_configuration_is_read(options, message):
    with pytest.raises(ValidationError, match=message):
        TrainingSettings.model_validate({**SETTINGS, "distillation": with_kd(options=options)})


def test_a_loss_that_refuses_the_teacher_is_found_before_hundreds_of_trainings(
    digits, order, teacher, architectures, short
):
    distillation = with_kd(loss="hint", options={"stage": 7})
    settings = TrainingSettings.model_validate({**SETTINGS, "distillation": distillation})
    evaluator = TrainingEvaluator(digits, order, settings, teacher)
    with pytest.raises(InvalidValueError, match=r"stage is 7, but must be in \[0, "):
        evaluator.require_possible(architectures[0], [replace(short, distillation="kd")])


def test_an_impossible_subset_is_found_before_hundreds_of_trainings(evaluator, architectures, short):
    with pytest.raises(InvalidValueError, match="train_fraction is '1/200', but must be at least 10/897"):
        evaluator.require_possible(architectures[0], [replace(short, train_fraction=Fraction(1, 200))])


@pytest.mark.parametrize("distillation", ["none", "kd"])
def test_a_reduced_image_size_is_another_training_of_a_cheaper_network(
    evaluator, caching, architectures, short, distillation
):
    """With the teacher's forward pass in every step as with cached targets."""
    fidelity = replace(short, epochs=2, distillation=distillation)
    own, small = (evaluator.evaluate(architectures[0], replace(fidelity, image_size=size), 0) for size in (None, 4))
    assert own.finished
    assert small.finished
    assert small.costs.macs < own.costs.macs
    assert small.costs.params == own.costs.params
    assert small.metrics != own.metrics
    request = EvaluationRequest(architectures[0], small.fidelity, 0)
    with open_executor(executor_settings("inline"), caching) as workers:
        list(caching.prepare([request], workers))
    assert caching.evaluate(architectures[0], small.fidelity, 0).metrics == small.metrics


def test_a_stored_evaluation_is_found_however_its_image_size_was_written(evaluator, architectures, short, tmp_path):
    """Equal keys are equal trainings: what is returned has the fidelity that was asked for."""
    store = EvaluationStore(f"sqlite:///{tmp_path}/store.db")
    with open_executor(executor_settings("inline"), evaluator) as workers:
        for size in (None, 8):
            request = EvaluationRequest(architectures[0], replace(short, image_size=size), 0)
            (found,) = run_evaluations([request], evaluator, workers, store, lambda _: None, False, False)
            assert found.fidelity == request.fidelity
    assert len(store.table()) == 1
