"""The protocol of a distillation loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ValidationInfo
from torch import Tensor, nn

from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.registry import Options
from mf_nas_kd.taps import Taps, TapShapes

Number = int | float
"""A number of the configuration. A whole number stays one: evaluations are keyed by the options as they are written."""


def _above_zero(value: Number, info: ValidationInfo) -> Number:
    if not value > 0:
        raise InvalidValueError(str(info.field_name), value, "above 0")
    return value


PositiveNumber = Annotated[Number, AfterValidator(_above_zero)]
PositiveCount = Annotated[int, AfterValidator(_above_zero)]


class LossOptions(Options):
    """Base of the options of all losses. Every option changes results, so none has a default."""


class DistillationLoss(nn.Module, ABC):
    """How far a student is from a teacher.

    Obligations of an implementation: ``teacher_targets`` is pure, and its result for a batch equals the concatenation
    of its results for the parts, so that targets can be cached image by image; ``forward`` sends
    gradient to the student and none to the targets, and is pure unless its docstring names what it keeps; learned
    adapters are submodules, trained with the student and thrown away after; all randomness is drawn from torch's global
    generator in the constructor.

    Attributes:
        Options: Model of the options; all are required, so that a configuration states them.
        published: Values from the literature, for a user of :func:`build_loss` who states none.
        capturable: Whether ``forward`` does all its work on the device, with nothing to keep or draw on the host, so
            that it can be captured once and replayed.
        mixable: Whether ``forward`` leaves positions and labels of the images alone: a mixture of two images has no one
            of either.

    Args:
        student: Shapes of the student's taps.
        teacher: Shapes of the teacher's taps.
        num_images: Images in the subset that is trained on.
        options: An instance of ``Options``.
    """

    class Options(LossOptions):
        """Options of a loss without options."""

    published: ClassVar[LossOptions] = Options()
    capturable = True
    mixable = True

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: LossOptions) -> None:
        super().__init__()
        self.student = student
        self.teacher = teacher
        self.num_images = num_images
        self.options = options

    @property
    @abstractmethod
    def target_key(self) -> str:
        """Name of what ``teacher_targets`` takes of the taps: equal keys, equal targets, whatever the loss.

        It is part of the name of the file of cached targets, and must stay what it is.
        """

    @abstractmethod
    def teacher_targets(self, taps: Taps) -> Tensor:
        """Targets of a batch, computed from the teacher's taps: any shape with the batch axis first."""

    @abstractmethod
    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        """Compare a student with the targets.

        Args:
            taps: The student's taps.
            targets: ``teacher_targets`` of the same images, equally augmented.
            indices: ``(B,)``, int64, positions of the images in the subset.
            labels: ``(B,)``, the classes of the images. Only ``dkd`` uses them.

        Returns:
            A 0-d tensor, the mean over the batch.
        """


def require_equal_classes(student: TapShapes, teacher: TapShapes) -> None:
    """Refuse a teacher of another problem.

    Raises:
        ShapeMismatchError: If the numbers of classes differ.
    """
    if student.classes != teacher.classes:
        raise ShapeMismatchError("number of the teacher's classes", teacher.classes, f"the student's {student.classes}")


def require_several_images(loss: str, batch_size: int) -> None:
    """Refuse a single image, for the losses that compare the images of a batch with each other.

    Raises:
        InvalidValueError: If there is one image only.
    """
    if batch_size < 2:
        allowed = f"at least 2: {loss} compares the images of a batch with each other"
        raise InvalidValueError("number of images in a batch", batch_size, allowed)
