"""Correlation congruence: differences between the embeddings of both networks, multiplied across images.

References:
    Peng et al. (2019). Correlation Congruence for Knowledge Distillation. ICCV.
    Difference: instead of the paper's kernel over all pairs of images, the form in the code of Tian et al. (2020),
    Contrastive Representation Distillation, which Trofimov et al. (2023) used: products of the differences at
    consecutive images of the batch. The value therefore depends on the order of the images in the batch.
"""

from __future__ import annotations

from torch import Tensor, nn

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions, PositiveCount, require_several_images
from mf_nas_kd.taps import Taps, TapShapes


class CorrelationLoss(DistillationLoss):
    """Mean over consecutive images ``b`` of ``Σ_d δ_bd δ_(b+1)d``, ``δ = |A_s e_s - A_t e_t|``.

    ``A_s`` and ``A_t`` are learned linear maps of both embeddings ``e`` to a common space, with bias.

    Args:
        options: See :class:`CorrelationLoss.Options`.

    Raises:
        InvalidValueError: If an option is not allowed, or a batch has one image only.
    """

    class Options(LossOptions):
        """Options of ``correlation``.

        Attributes:
            features: Dimensions of the common space, at least 1.
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
        """The teacher's embedding, ``(B, D)``."""
        return taps.embedding

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        require_several_images("correlation", len(targets))
        distance = (self.student_map(taps.embedding) - self.teacher_map(targets.to(taps.embedding.dtype))).abs()
        value: Tensor = (distance[:-1] * distance[1:]).sum(dim=1).mean()
        return value
