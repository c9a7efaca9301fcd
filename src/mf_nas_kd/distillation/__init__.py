"""Distillation losses: how far a student's outputs and features are from a teacher's.

One loss a file, one line a loss in the table below. A loss declares its targets, computed from the teacher's taps for
each image (``teacher_targets``), and compares a student with them (``forward``); it has no access to networks, weights
or optimisers.
Letters of shapes are those of :mod:`mf_nas_kd.taps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mf_nas_kd.distillation.attention import AttentionLoss
from mf_nas_kd.distillation.correlation import CorrelationLoss
from mf_nas_kd.distillation.crd import ContrastiveLoss
from mf_nas_kd.distillation.dist import CorrelatedPredictionsLoss
from mf_nas_kd.distillation.dkd import DecoupledLoss
from mf_nas_kd.distillation.hint import HintLoss
from mf_nas_kd.distillation.kd import KnowledgeDistillationLoss
from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions
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


def loss_options(name: str) -> tuple[str, ...]:
    """The names of the options that a loss takes.

    >>> loss_options("kd")
    ('temperature', 'standardise_logits')

    Raises:
        UnknownNameError: If the loss is not known.
    """
    return tuple(lookup(LOSSES, name, "distillation loss").Options.model_fields)


def published_options(name: str) -> dict[str, Any]:
    """The values of a loss's options in the literature.

    >>> published_options("kd")
    {'temperature': 4.0, 'standardise_logits': False}

    Raises:
        UnknownNameError: If the loss is not known.
    """
    return lookup(LOSSES, name, "distillation loss").published.model_dump()


def validate_options(name: str, options: Mapping[str, Any]) -> LossOptions:
    """Check the options of a loss, all of which must be stated.

    Raises:
        UnknownNameError: If the loss is not known.
        InvalidValueError: If an option is not known to it, is missing, or its value is not allowed.
    """
    known = loss_options(name)
    for option in options:
        if option not in known:
            raise InvalidValueError(f"an option of the distillation loss {name!r}", option, f"one of: {known}")
    try:
        return LOSSES[name].Options.model_validate(options)
    except ValidationError as failure:
        raise _first_error(name, known, failure) from failure


def build_loss(
    name: str, *, student: TapShapes, teacher: TapShapes, num_images: int, **options: Any
) -> DistillationLoss:
    """Build a loss for one pair of student and teacher.

    Args:
        name: A name in ``LOSSES``.
        student: Shapes of the student's taps.
        teacher: Shapes of the teacher's taps.
        num_images: Images in the subset that is trained on.
        **options: Options of the loss, see its ``Options``; those that are left out have the published values.

    Raises:
        UnknownNameError: If the loss is not known.
        InvalidValueError: If an option is not known, or its value is not allowed.
        ShapeMismatchError: If student and teacher do not go together.
    """
    validated = validate_options(name, {**published_options(name), **options})
    return LOSSES[name](student=student, teacher=teacher, num_images=num_images, options=validated)


def _first_error(name: str, known: tuple[str, ...], failure: ValidationError) -> InvalidValueError:
    error = failure.errors()[0]
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, InvalidValueError):
        return cause
    if error["type"] == "missing":
        return InvalidValueError(f"options of the distillation loss {name!r}", error["input"], f"all of: {known}")
    what = f"option {error['loc'][0]!r} of the distillation loss {name!r}"
    return InvalidValueError(what, error["input"], f"of its type ({error['msg']})")


__all__ = [
    "LOSSES",
    "DistillationLoss",
    "LossOptions",
    "build_loss",
    "loss_options",
    "published_options",
    "validate_options",
]
