"""One engine for teachers and students.

``fit`` trains a network on resident images towards an objective: cross-entropy, and a distillation term. The weights
of the two are combined in ``objective`` and nowhere else.
"""

from mf_nas_kd.device import choose_device, reproducible
from mf_nas_kd.training.accuracy import accuracy_of, compute_logits, measure_accuracy, metrics_of
from mf_nas_kd.training.distillation_configuration import (
    DistillationConfiguration,
    DistillationConfigurations,
    require_mixable,
)
from mf_nas_kd.training.engine import FitResult, fit
from mf_nas_kd.training.hyper_parameters import TrainingHyperParameters
from mf_nas_kd.training.objective import DistillationTerm, Objective
from mf_nas_kd.training.pause import PausedTraining
from mf_nas_kd.training.settings import TrainingParameters, TrainingSettings
from mf_nas_kd.training.speed_ups import SpeedUps
from mf_nas_kd.training.teacher_training import TeacherTraining, train_teacher

__all__ = [
    "DistillationConfiguration",
    "DistillationConfigurations",
    "DistillationTerm",
    "FitResult",
    "Objective",
    "PausedTraining",
    "SpeedUps",
    "TeacherTraining",
    "TrainingHyperParameters",
    "TrainingParameters",
    "TrainingSettings",
    "accuracy_of",
    "choose_device",
    "compute_logits",
    "fit",
    "measure_accuracy",
    "metrics_of",
    "reproducible",
    "require_mixable",
    "train_teacher",
]
