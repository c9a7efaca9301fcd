"""Correlation congruence: how the distance between the networks at one image goes with that at the next.

References:
    Peng et al. (2019). Correlation Congruence for Knowledge Distillation. ICCV.
    Difference: not the paper's kernel of all pairs, but the form in the code of Tian et al. (2020), which the published
    study used: products of the distances at consecutive images of the batch. So the order of the batch matters.
"""

from __future__ import annotations

from torch import Tensor, nn

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions, PositiveCount, require_several_images
from mf_nas_kd.taps import Taps, TapShapes


class CorrelationLoss(DistillationLoss):
    """Mean over consecutive images ``b`` of ``Σ_d δ_b δ_(b+1)``, ``δ = |A_s e_s - A_t e_t|`` with learned linear maps.

    Args:
        options: See :class:`CorrelationLoss.Options`.
    """

    class Options(LossOptions):
        """Options of ``correlation``.

        Attributes:
            features: Dimensions of the space that both embeddings are mapped to.
        """

        features: PositiveCount

    published = Options(features=128)

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        self.student_map = nn.Linear(student.embedding, options.features)
        self.teacher_map = nn.Linear(teacher.embedding, options.features)

    @property
    def target_key(self) -> str:
        return "embedding"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The embedding ``(B, D)``."""
        return taps.embedding

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        require_several_images("correlation", len(targets))
        distance = (self.student_map(taps.embedding) - self.teacher_map(targets.to(taps.embedding.dtype))).abs()
        value: Tensor = (distance[:-1] * distance[1:]).sum(dim=1).mean()
        return value
