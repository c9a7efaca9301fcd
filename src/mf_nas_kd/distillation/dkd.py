"""Decoupled knowledge distillation: how sure the teacher is of the class, and what it thinks of the others.

References:
    Zhao, Cui, Song, Qiu, Liang (2022). Decoupled Knowledge Distillation. CVPR, section 3.
    Difference: without labels, the teacher's most probable class stands for the image's.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.logits import LogitsLoss
from mf_nas_kd.distillation.loss import Number
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.taps import Taps, TapShapes


class DecoupledLoss(LogitsLoss):
    """``t**2 (α KL(target against the rest) + β KL(among the others))``, mean over the batch.

    The target is the class of the image. Where no labels are given, it is the teacher's most probable class.

    Args:
        options: See :class:`DecoupledLoss.Options`.

    Raises:
        InvalidValueError: If there are two classes only: beside the target there is one other, and nothing to compare.
    """

    class Options(LogitsLoss.Options):
        """Options of ``dkd``.

        Attributes:
            temperature: ``t``, above 0.
            target_weight: ``α``.
            others_weight: ``β``.
        """

        target_weight: Number
        others_weight: Number

    published = Options(temperature=4.0, target_weight=1.0, others_weight=8.0)

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        if student.classes < 3:
            allowed = "at least 3 for dkd: with two there is nothing to compare beside the target"
            raise InvalidValueError("number of classes", student.classes, allowed)
        self.target_weight = options.target_weight
        self.others_weight = options.others_weight

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        classes = targets.argmax(dim=1) if labels is None else labels
        student = _decoupled(taps.logits / self.temperature, classes)
        teacher = _decoupled(targets.to(taps.logits.dtype) / self.temperature, classes)
        target, others = (
            functional.kl_div(s, t, reduction="batchmean", log_target=True)
            for s, t in zip(student, teacher, strict=True)
        )
        return self.temperature**2 * (self.target_weight * target + self.others_weight * others)


def _decoupled(logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of ``p(target), p(other)`` ``(B, 2)``, and of the probabilities among the others ``(B, K - 1)``."""
    log_probabilities = functional.log_softmax(logits, dim=1)
    target = log_probabilities.gather(1, classes[:, None])
    other_classes = torch.arange(logits.shape[1] - 1, device=logits.device).expand(len(logits), -1)
    others = log_probabilities.gather(1, other_classes + (other_classes >= classes[:, None]))
    rest = others.logsumexp(dim=1, keepdim=True)
    return torch.cat([target, rest], dim=1), others - rest
