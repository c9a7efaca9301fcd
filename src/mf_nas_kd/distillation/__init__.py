"""Distillation losses: what a student is asked to imitate of a teacher.

One loss a file, one line a loss in the table below. A loss declares what must be remembered of the teacher for each
image (``teacher_targets``) and compares a student with it (``forward``); it knows no networks, weights or optimisers.
Letters of shapes are those of :mod:`mf_nas_kd.taps`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mf_nas_kd.distillation.attention import AttentionLoss
from mf_nas_kd.distillation.correlation import CorrelationLoss
from mf_nas_kd.distillation.crd import ContrastiveLoss
from mf_nas_kd.distillation.dist import CorrelatedPredictionsLoss
from mf_nas_kd.distillation.dkd import DecoupledLoss
from mf_nas_kd.distillation.hint import HintLoss
from mf_nas_kd.distillation.kd import KnowledgeDistillationLoss
from mf_nas_kd.distillation.loss import DistillationLoss
from mf_nas_kd.distillation.none import NoLoss
from mf_nas_kd.distillation.nst import NeuronSelectivityLoss
from mf_nas_kd.distillation.pkt import ProbabilisticTransferLoss
from mf_nas_kd.distillation.rkd import RelationalLoss
from mf_nas_kd.distillation.similarity import SimilarityLoss
from mf_nas_kd.distillation.vid import VariationalInformationLoss
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import lookup
from mf_nas_kd.taps import TapShapes

LOSSES: Mapping[str, type[DistillationLoss]] = {
    "none": NoLoss,
    "kd": KnowledgeDistillationLoss,
    "hint": HintLoss,
    "attention": AttentionLoss,
    "nst": NeuronSelectivityLoss,
    "pkt": ProbabilisticTransferLoss,
    "similarity": SimilarityLoss,
    "correlation": CorrelationLoss,
    "vid": VariationalInformationLoss,
    "crd": ContrastiveLoss,
    "rkd": RelationalLoss,
    "dkd": DecoupledLoss,
    "dist": CorrelatedPredictionsLoss,
}

_GIVEN_TO_ALL = ("self", "student", "teacher", "num_images")


def loss_options(name: str) -> tuple[str, ...]:
    """The names of the options that a loss takes.

    Raises:
        UnknownNameError: If the loss is not known.
    """
    constructor = lookup(LOSSES, name, "distillation loss").__init__
    return tuple(option for option in inspect.signature(constructor).parameters if option not in _GIVEN_TO_ALL)


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse options that a loss does not have.

    Raises:
        UnknownNameError: If the loss is not known.
        InvalidValueError: If an option is not known to it.
    """
    known = loss_options(name)
    for option in options:
        if option not in known:
            raise InvalidValueError(f"an option of the distillation loss {name!r}", option, f"one of: {known}")


def build_loss(
    name: str, *, student: TapShapes, teacher: TapShapes, num_images: int, **options: Any
) -> DistillationLoss:
    """Build a loss for one pair of student and teacher.

    Args:
        name: A name in ``LOSSES``.
        student: Shapes of the student's taps.
        teacher: Shapes of the teacher's taps.
        num_images: Images in the subset that is trained on.
        **options: Options of the loss; see its class.

    Raises:
        UnknownNameError: If the loss is not known.
        InvalidValueError: If an option is not known, or its value is not allowed.
        ShapeMismatchError: If student and teacher do not go together.
    """
    check_options(name, options)
    return LOSSES[name](student=student, teacher=teacher, num_images=num_images, **options)


__all__ = ["LOSSES", "DistillationLoss", "build_loss", "check_options", "loss_options"]
