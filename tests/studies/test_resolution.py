"""A training is resolved once, into one value."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from mf_nas_kd.errors import InvalidValueError, MissingTeacherError
from mf_nas_kd.networks.cost import forward_empty_batch
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.studies.resolution import seen_pairs
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.taps import TapShapes
from mf_nas_kd.training import TrainingSettings
from tests.conftest import SETTINGS


@pytest.fixture
def kd(short):
    return replace(short, train_fraction=Fraction(1, 9), epochs=2, width=0.5, distillation="kd")


def test_the_payload_of_the_key_is_that_of_the_first_version(evaluator, digits, order, teacher, architectures, kd):
    """Word by word: stored evaluations are found under its hash."""
    training = evaluator.resolve(architectures[0], kd, 7)
    assert training.key_payload == {
        "results_version": 3,
        "dataset": digits.fingerprint,
        "subset": order.fingerprint,
        "views": {"padding": 1, "flip": False, "views_per_image": None, "seed": 0},
        "recipe": {
            "batch_size": 16,
            "learning_rate": 0.1,
            "momentum": 0.9,
            "weight_decay": 0.0005,
            "warmup_fraction": 0.1,
            "label_smoothing": 0.0,
        },
        "distillation": SETTINGS["distillation"]["kd"],
        "balanced_ratio": None,
        "teacher": teacher.fingerprint,
        "space": "mobilenet_v2",
        "architecture": architectures[0].specification,
        "fidelity": ["1/9", 2, 0.5],
        "seed": 7,
        "precision": "torch.float32",
    }
    assert training.key == evaluator.key(architectures[0], kd, 7)


def test_matched_gradient_norms_are_called_balanced_in_the_key(digits, order, teacher, architectures, kd):
    configuration = {**SETTINGS["distillation"]["kd"], "loss_weight": "gradient_norm"}
    configuration["options"] = {"temperature": 4, "standardise_logits": False}  # a whole number stays one
    distillation = {**SETTINGS["distillation"], "kd": configuration}
    settings = TrainingSettings.model_validate({**SETTINGS, "distillation": distillation, "gradient_norm_ratio": 3})
    payload = TrainingEvaluator(digits, order, settings, teacher).resolve(architectures[0], kd, 0).key_payload
    assert payload["distillation"] == {**configuration, "loss_weight": "balanced"}
    assert type(payload["distillation"]["options"]["temperature"]) is int
    assert payload["balanced_ratio"] == 3.0


def test_a_resolved_training_has_what_its_parts_need(evaluator, architectures, kd, digits):
    training = evaluator.resolve(architectures[0], kd, 0)
    assert len(training.subset) == training.draws.images == len(evaluator.context.subset(Fraction(1, 9)))
    assert training.image_shape == digits.image_shape
    assert training.draws.augmentations == len(training.augmentation) == 9
    with torch_seeded(0, "test"):
        network = evaluator.context.build(architectures[0], 0.5)
    assert training.target_spec.student == TapShapes.of(forward_empty_batch(network, digits.image_shape))
    assert training.target_spec.distillation == "kd"
    positions = training.pairs // 9
    assert set(positions.tolist()) <= set(training.subset.positions.tolist())
    assert evaluator.resolve(architectures[0], replace(kd, distillation="none"), 0).target_spec is None


def test_trainings_that_see_the_same_pairs_share_them(evaluator, architectures, kd):
    first, second = (
        evaluator.resolve(a, replace(kd, width=w), 0) for a, w in zip(architectures, (0.5, 1.0), strict=False)
    )
    assert first.seen == second.seen
    assert first.pairs is second.pairs
    assert first.seen != evaluator.resolve(architectures[0], kd, 1).seen
    assert seen_pairs(*first.seen[:2], 3, False).size > first.pairs.size


def test_what_cannot_be_resolved_is_refused(digits, order, settings, architectures, kd):
    alone = TrainingEvaluator(digits, order, settings, teacher=None)
    with pytest.raises(
        MissingTeacherError, match="1/9 of the images, 2 epochs.*distils from a teacher, but there is none"
    ):
        alone.resolve(architectures[0], kd, 0)
    with pytest.raises(InvalidValueError, match="train_fraction is '1/200', but must be at least 10/897"):
        alone.resolve(architectures[0], replace(kd, train_fraction=Fraction(1, 200), distillation="none"), 0)


def test_resolving_draws_nothing_from_the_global_generator(evaluator, architectures, kd):
    before = torch.get_rng_state()
    training = evaluator.resolve(architectures[1], kd, 0)
    _ = training.student, training.pairs
    assert torch.equal(before, torch.get_rng_state())


def test_a_reduced_image_size_is_the_students_and_part_of_the_key(evaluator, architectures, kd, digits):
    own, small = (evaluator.resolve(architectures[0], replace(kd, image_size=size), 0) for size in (None, 4))
    assert own.image_shape == digits.image_shape == (1, 8, 8)
    assert small.image_shape == (1, 4, 4)
    assert small.key_payload == {**own.key_payload, "image_size": [4, 4]}
    assert small.pairs is own.pairs, "the teacher sees the same images"
    assert small.student.maps[0][1:] == (4, 4)


def test_the_images_own_size_is_the_same_training_however_it_is_written(evaluator, architectures, kd):
    assert evaluator.key(architectures[0], replace(kd, image_size=8), 0) == evaluator.key(architectures[0], kd, 0)


def test_a_larger_image_size_than_the_images_is_refused(evaluator, architectures, kd):
    with pytest.raises(InvalidValueError, match="image_size is 16, but must be at most 8, the shorter side"):
        evaluator.resolve(architectures[0], replace(kd, image_size=16), 0)
