"""Knowledge distillation: the student imitates the teacher's softened predictions.

References:
    Hinton, Vinyals, Dean (2015). Distilling the Knowledge in a Neural Network. arXiv 1503.02531, section 2.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, require_equal_classes
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.taps import Taps, TapShapes


class KnowledgeDistillationLoss(DistillationLoss):
    """``t**2 KL(softmax(z_t / t) || softmax(z_s / t))``, mean over the batch.

    Args:
        temperature: ``t``, above 0.
    """

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, temperature: float = 4.0) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images)
        require_equal_classes(student, teacher)
        if temperature <= 0:
            raise InvalidValueError("temperature", temperature, "above 0")
        self.temperature = temperature

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The logits ``(B, K)``."""
        return taps.logits

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor) -> Tensor:
        log_student = functional.log_softmax(taps.logits / self.temperature, dim=1)
        log_teacher = functional.log_softmax(targets.to(taps.logits.dtype) / self.temperature, dim=1)
        divergence = functional.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
        return self.temperature**2 * divergence
