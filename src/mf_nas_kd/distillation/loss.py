"""The protocol of a distillation loss."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from mf_nas_kd.errors import ShapeMismatchError
from mf_nas_kd.taps import Taps, TapShapes


class DistillationLoss(nn.Module, ABC):
    """What a student is asked to imitate of a teacher.

    Obligations of an implementation: both methods are pure; ``teacher_targets`` of a batch equals the concatenation
    of those of its parts, so that targets can be remembered image by image; ``forward`` sends gradient to the student
    and none to the targets; learned adapters are submodules, trained with the student and thrown away after.

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

    @abstractmethod
    def teacher_targets(self, taps: Taps) -> Tensor:
        """What must be remembered of the teacher: any shape with the batch axis first."""

    @abstractmethod
    def forward(self, taps: Taps, targets: Tensor, indices: Tensor) -> Tensor:
        """Compare a student with what was remembered.

        Args:
            taps: The student's taps.
            targets: ``teacher_targets`` of the same images and views.
            indices: ``(B,)``, places of the images in the subset.

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
