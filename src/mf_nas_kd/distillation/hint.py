"""Hints: a learned regressor predicts a middle feature map of the teacher from one of the student.

References:
    Romero et al. (2015). FitNets: Hints for Thin Deep Nets. ICLR, eq. 3.
    Differences: the mean instead of half the sum of squares; batch normalisation and ReLU after the regressor, as in
    the code of Tian et al. (2020), Contrastive Representation Distillation, to which the usual weight of 100 belongs; a
    strided or transposed convolution for every integer ratio of sizes (there for 2 only) and average pooling for other
    ratios; the hint is part of the loss of the whole training and not of a stage before it.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions
from mf_nas_kd.distillation.stages import chosen_stages, pooled, smaller_size
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.taps import Taps, TapShapes


class HintLoss(DistillationLoss):
    """``mean((r(F_s) - F_t)**2)`` with a learned regressor ``r``, at one stage.

    The regressor is a convolution (1x1 where sizes are equal, strided where the student's map is larger, transposed
    where it is smaller), batch normalisation and ReLU. Where the ratio of sizes is not an integer, both maps are
    average-pooled to the smaller size.

    Args:
        options: See :class:`HintLoss.Options`.

    Raises:
        InvalidValueError: If there is no such stage, or a batch of one image has maps of one position.
        ShapeMismatchError: If the stages of student and teacher cannot be paired.
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
        self._student_index, self._teacher_index = pairs[chosen]
        shapes = student.maps[self._student_index], teacher.maps[self._teacher_index]
        self._size = shapes[1][1:] if _integer_ratio(*shapes) else smaller_size(*shapes)
        self.regressor = nn.Sequential(
            _resizing_convolution(*shapes),
            nn.BatchNorm2d(shapes[1][0], track_running_stats=False),  # statistics of the batch: no state
            nn.ReLU(inplace=True),
        )

    @property
    def target_key(self) -> str:
        return f"map {self._teacher_index} pooled to {self._size}"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's feature map of the stage, ``(B, C_t, H, W)``."""
        return pooled(taps.maps[self._teacher_index], self._size)

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        features = taps.maps[self._student_index]
        if not _integer_ratio(features.shape[1:], targets.shape[1:]):
            features = pooled(features, self._size)
        if len(targets) * self._size[0] * self._size[1] < 2:
            allowed = "at least 2 where the map has one position: the regressor normalises over images and positions"
            raise InvalidValueError("number of images in a batch", len(targets), allowed)
        return functional.mse_loss(self.regressor(features), targets.to(features.dtype))


def _integer_ratio(student: tuple[int, ...], teacher: tuple[int, ...]) -> bool:
    """Whether the sizes are equal, or one is the same integer multiple of the other in height and width."""
    (height, width), (teacher_height, teacher_width) = student[-2:], teacher[-2:]
    student_larger = height % teacher_height == 0 and height // teacher_height * teacher_width == width
    teacher_larger = teacher_height % height == 0 and teacher_height // height * width == teacher_width
    return student_larger or teacher_larger


def _resizing_convolution(student: tuple[int, int, int], teacher: tuple[int, int, int]) -> nn.Module:
    """Convolution from the student's to the teacher's channels and size; 1x1 where one convolution cannot resize."""
    channels, height, _ = student
    teacher_channels, teacher_height, _ = teacher
    if not _integer_ratio(student, teacher) or height == teacher_height:
        return nn.Conv2d(channels, teacher_channels, 1)
    if height > teacher_height:
        ratio = height // teacher_height
        return nn.Conv2d(channels, teacher_channels, 2 * ratio - 1, stride=ratio, padding=ratio - 1)
    ratio = teacher_height // height
    padding = (ratio + 1) // 2
    return nn.ConvTranspose2d(
        channels, teacher_channels, 2 * ratio, stride=ratio, padding=padding, output_padding=2 * padding - ratio
    )
