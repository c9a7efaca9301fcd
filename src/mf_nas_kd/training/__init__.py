"""One engine for teachers and students.

``fit`` trains a network on resident images towards an objective: cross-entropy, and what a distillation loss asks for.
The weights of the two terms live here and nowhere else.
"""

from mf_nas_kd.device import choose_device, reproducible
from mf_nas_kd.images.draws import Draws
from mf_nas_kd.teacher.targets import OnlineTeacherTargets, RememberedTeacherTargets, TeacherTargets
from mf_nas_kd.training.accuracy import measure_accuracy
from mf_nas_kd.training.engine import FitResult, fit
from mf_nas_kd.training.objective import Imitation, Objective
from mf_nas_kd.training.recipes import DistillationRecipe, TrainingRecipe
from mf_nas_kd.training.settings import TrainingSettings
from mf_nas_kd.training.teacher_training import TaughtTeacher, train_teacher

__all__ = [
    "DistillationRecipe",
    "Draws",
    "FitResult",
    "Imitation",
    "Objective",
    "OnlineTeacherTargets",
    "RememberedTeacherTargets",
    "TaughtTeacher",
    "TeacherTargets",
    "TrainingRecipe",
    "TrainingSettings",
    "choose_device",
    "fit",
    "measure_accuracy",
    "reproducible",
    "train_teacher",
]
