"""Hints: a regressor predicts a middle map of the teacher from one of the student.

References:
    Romero et al. (2015). FitNets: Hints for Thin Deep Nets. ICLR, eq. 3.
    Differences: a mean instead of half a sum; batch normalisation and ReLU after the regressor, as in the code of Tian
    et al. (2020), Contrastive Representation Distillation, whose weight of 100 belongs to it; a strided or transposed
    convolution for every whole factor of sizes (there for 2 only) and pooling for others; the hint acts through the
    whole training and not in a stage before it.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions
from mf_nas_kd.distillation.stages import chosen_stages, pooled, smaller_size
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.taps import Taps, TapShapes


class HintLoss(DistillationLoss):
    """``mean((r(F_s) - F_t)**2)`` with a learned regressor ``r``, on one stage.

    Args:
        options: See :class:`HintLoss.Options`.

    Raises:
        InvalidValueError: If there is no such stage.
    """

    class Options(LossOptions):
        """Options of ``hint``.

        Attributes:
            stage: Which of the stages that student and teacher have in common, from 0; null for the middle one.
        """

        stage: int | None

    published = Options(stage=None)

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        pairs = chosen_stages(student, teacher, "all")
        chosen = len(pairs) // 2 if options.stage is None else options.stage
        if not 0 <= chosen < len(pairs):
            raise InvalidValueError("stage", options.stage, f"in [0, {len(pairs)}), or null for the middle one")
        self._student_place, self._teacher_place = pairs[chosen]
        shapes = student.maps[self._student_place], teacher.maps[self._teacher_place]
        self._size = shapes[1][1:] if _whole_factor(*shapes) else smaller_size(*shapes)
        self.regressor = nn.Sequential(
            _resizing_convolution(*shapes),
            nn.BatchNorm2d(shapes[1][0], track_running_stats=False),  # the batch's own statistics: nothing to remember
            nn.ReLU(inplace=True),
        )

    @property
    def target_key(self) -> str:
        return f"map {self._teacher_place} pooled to {self._size}"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The map ``(B, C_t, H, W)``."""
        return pooled(taps.maps[self._teacher_place], self._size)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        features = taps.maps[self._student_place]
        if not _whole_factor(features.shape[1:], targets.shape[1:]):
            features = pooled(features, self._size)
        if len(targets) * self._size[0] * self._size[1] < 2:
            allowed = "at least 2 where the map has one position: the regressor normalises over both"
            raise InvalidValueError("number of images in a batch", len(targets), allowed)
        return functional.mse_loss(self.regressor(features), targets.to(features.dtype))


def _whole_factor(student: tuple[int, ...], teacher: tuple[int, ...]) -> bool:
    """Whether one convolution brings the student's size to the teacher's: equal, or a whole multiple either way."""
    (height, width), (wanted_height, wanted_width) = student[-2:], teacher[-2:]
    larger = height % wanted_height == 0 and height // wanted_height * wanted_width == width
    smaller = wanted_height % height == 0 and wanted_height // height * width == wanted_width
    return larger or smaller


def _resizing_convolution(student: tuple[int, int, int], teacher: tuple[int, int, int]) -> nn.Module:
    """1x1 where sizes are equal, strided where the student's map is larger, transposed where it is smaller."""
    channels, height, _ = student
    wanted_channels, wanted_height, _ = teacher
    if not _whole_factor(student, teacher) or height == wanted_height:
        return nn.Conv2d(channels, wanted_channels, 1)
    if height > wanted_height:
        factor = height // wanted_height
        return nn.Conv2d(channels, wanted_channels, 2 * factor - 1, stride=factor, padding=factor - 1)
    factor = wanted_height // height
    padding = (factor + 1) // 2
    return nn.ConvTranspose2d(
        channels, wanted_channels, 2 * factor, stride=factor, padding=padding, output_padding=2 * padding - factor
    )
