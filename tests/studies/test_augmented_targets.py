"""With every augmentation, a training with cached teacher targets is the training with online ones."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from mf_nas_kd.images import AUGMENTATIONS
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.teacher import CachedTargets, OnlineTargets
from mf_nas_kd.training import TrainingSettings
from tests.conftest import SETTINGS
from tests.images.test_augmentations import OPTIONS
from tests.studies.test_mixup_and_averaging import computed


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_cached_targets_are_those_of_the_teacher_on_what_the_student_sees(
    name, digits, order, teacher, architectures, short, tmp_path
):
    fidelity = replace(short, train_fraction=Fraction(1, 9), epochs=2, distillation="kd")
    augmentation = {"name": name, "options": {name: OPTIONS[name]}}
    settings = TrainingSettings.model_validate({**SETTINGS, "augmentation": augmentation})
    evaluator = TrainingEvaluator(digits, order, settings, teacher, tmp_path)
    training = evaluator.resolve(architectures[0], fidelity, 0)
    online = evaluator.objectives.objective(training)._term.teacher_targets
    list(evaluator.precomputation.run([training], computed(evaluator)))
    evaluator.objectives.warm_up(training)
    cached = evaluator.objectives.objective(training)._term.teacher_targets
    assert [type(online), type(cached)] == [OnlineTargets, CachedTargets]
    subset = digits.train[training.subset.positions]
    resident = evaluator.context.resident(subset, training.augmentation, training.image_size)
    positions, rows = next(training.draws.epochs())
    for batch in zip(positions.split(training.draws.batch_size), rows.split(training.draws.batch_size), strict=True):
        seen = resident.batch(*batch)
        torch.testing.assert_close(cached(seen), online(seen), rtol=2**-10, atol=2**-10)
