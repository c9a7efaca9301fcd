"""The protocol of a distillation loss."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.taps import Taps, TapShapes


class DistillationLoss(nn.Module, ABC):
    """What a student is asked to imitate of a teacher.

    Obligations of an implementation: ``teacher_targets`` is pure, and what it gives for a batch equals the
    concatenation of what it gives for the parts, so that targets can be remembered image by image; ``forward`` sends
    gradient to the student and none to the targets, and is pure unless its docstring says what it remembers; learned
    adapters are submodules, trained with the student and thrown away after; all randomness is drawn from torch's global
    generator in the constructor.

    Args:
        student: Shapes of the student's taps.
        teacher: Shapes of the teacher's taps.
        num_images: Images in the subset that is trained on.
    """

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int) -> None:
        super().__init__()
        self.student = student
        self.teacher = teacher
        self.num_images = num_images

    @property
    @abstractmethod
    def remembers(self) -> str:
        """What ``teacher_targets`` takes of the taps, in words: equal words, equal targets, whatever the loss."""

    @abstractmethod
    def teacher_targets(self, taps: Taps) -> Tensor:
        """What must be remembered of the teacher: any shape with the batch axis first."""

    @abstractmethod
    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        """Compare a student with what was remembered.

        Args:
            taps: The student's taps.
            targets: ``teacher_targets`` of the same images and views.
            indices: ``(B,)``, places of the images in the subset.
            labels: ``(B,)``, the classes of the images. Only ``dkd`` looks at them.

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


def require_positive(**options: float) -> None:
    """Refuse options that are not above 0.

    Raises:
        InvalidValueError: If one of them is not.
    """
    for name, value in options.items():
        if value <= 0:
            raise InvalidValueError(name, value, "above 0")
