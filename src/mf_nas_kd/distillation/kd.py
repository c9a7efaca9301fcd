"""Knowledge distillation: Kullback-Leibler divergence between softened predictions.

References:
    Hinton, Vinyals, Dean (2015). Distilling the Knowledge in a Neural Network. arXiv 1503.02531, section 2.
    Sun, Ren, Li, Wang, Cao (2024). Logit Standardization in Knowledge Distillation. CVPR, algorithm 1
    (``standardise_logits``). Differences: the standard deviation is that of a sample (division by K - 1), as in the
    code that goes with the paper; and the student's logits are divided by at least a fraction of the teacher's standard
    deviation (:data:`mf_nas_kd.distillation.logits.SMALLEST_SPREAD`), the teacher's by at least 0.05 times the
    temperature.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.logits import LogitsLoss, standardised
from mf_nas_kd.taps import Taps, TapShapes

SMALL = 0.05  # times the temperature: logits of a smaller spread give probabilities that are nearly all equal


class KnowledgeDistillationLoss(LogitsLoss):
    """``t**2 KL(softmax(z_t / t) || softmax(z_s / t))``, mean over the batch.

    Args:
        options: See :class:`KnowledgeDistillationLoss.Options`.

    Raises:
        InvalidValueError: If the temperature is not above 0.
        ShapeMismatchError: If the numbers of classes of student and teacher differ.
    """

    class Options(LogitsLoss.Options):
        """Options of ``kd``.

        Attributes:
            temperature: Temperature ``t`` of the softmax, above 0.
            standardise_logits: Whether the logits ``z`` of each image are first brought to mean 0 and standard
                deviation 1, on both sides; a student's whose deviation is below 0.3 times the teacher's stay smaller.
                With two classes, only the order of both logits is left then, and the
                gradient vanishes.
        """

        standardise_logits: bool

    published = Options(temperature=4.0, standardise_logits=False)

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        self.standardise_logits = options.standardise_logits

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        student, teacher = taps.logits, targets.to(taps.logits.dtype)
        if self.standardise_logits:
            student, teacher = standardised(student, teacher, SMALL * self.temperature)
        log_student, log_teacher = (functional.log_softmax(z / self.temperature, dim=1) for z in (student, teacher))
        divergence = functional.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
        return self.temperature**2 * divergence
