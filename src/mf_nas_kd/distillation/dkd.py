"""Decoupled knowledge distillation: separate terms for the target class and for the other classes.

References:
    Zhao, Cui, Song, Qiu, Liang (2022). Decoupled Knowledge Distillation. CVPR, section 3.
    Difference: without labels, the class that the teacher gives the highest probability replaces the label.
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
    """``t**2 (α KL(b_t || b_s) + β KL(o_t || o_s))``, mean over the batch.

    ``b`` is the distribution over two outcomes, target class and any other class; ``o`` is the distribution over the
    classes other than the target, given that it is one of them; both from ``softmax(z / t)``. The target is the label
    of the image; without labels, it is the class that the teacher gives the highest probability.

    Args:
        options: See :class:`DecoupledLoss.Options`.

    Raises:
        InvalidValueError: If the temperature is not above 0, or there are fewer than three classes: with two, there is
            one other class, whose distribution is constant.
        ShapeMismatchError: If the numbers of classes of student and teacher differ.
    """

    class Options(LogitsLoss.Options):
        """Options of ``dkd``.

        Attributes:
            temperature: Temperature ``t`` of the softmax, above 0.
            target_weight: Weight ``α`` of the target term.
            others_weight: Weight ``β`` of the term of the other classes.
        """

        target_weight: Number
        others_weight: Number

    published = Options(temperature=4.0, target_weight=1.0, others_weight=8.0)
    mixable = False

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        if student.classes < 3:
            allowed = "at least 3 for dkd: with two classes the term of the other classes is constant"
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
    """Log-probabilities of target and other classes together, ``(B, 2)``, and among the others, ``(B, K - 1)``."""
    log_probabilities = functional.log_softmax(logits, dim=1)
    target = log_probabilities.gather(1, classes[:, None])
    other_classes = torch.arange(logits.shape[1] - 1, device=logits.device).expand(len(logits), -1)
    others = log_probabilities.gather(1, other_classes + (other_classes >= classes[:, None]))
    rest = others.logsumexp(dim=1, keepdim=True)
    return torch.cat([target, rest], dim=1), others - rest
