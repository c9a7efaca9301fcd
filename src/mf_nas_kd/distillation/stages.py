"""Which feature maps a loss compares, and at which size: shared by the losses that compare maps of equal size."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss
from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.taps import Taps, TapShapes

STAGES = ("last", "all")


class MatchedMapsLoss(DistillationLoss):
    """Compares the maps of chosen stages, average-pooled to a common size that both sides declare beforehand.

    The teacher's side depends on the size, so it must not depend on the student at hand: it is declared from the shapes
    once, and belongs to the key of whatever is remembered.

    Args:
        stages: ``last``, or ``all`` spatial resolutions.
        map_size: Height and width to pool to; by default the smaller of both sides, in each stage.

    Raises:
        InvalidValueError: If an option is not allowed.
        ShapeMismatchError: If the networks have different numbers of stages and all are asked for.
    """

    def __init__(
        self,
        *,
        student: TapShapes,
        teacher: TapShapes,
        num_images: int,
        stages: str = "last",
        map_size: int | None = None,
    ) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images)
        if stages not in STAGES:
            raise InvalidValueError("stages", stages, f"one of: {', '.join(STAGES)}")
        if map_size is not None and map_size < 1:
            raise InvalidValueError("map_size", map_size, "at least 1, or null for the smaller of both sides")
        if stages == "all" and len(student.maps) != len(teacher.maps):
            raise ShapeMismatchError("number of the teacher's stages", len(teacher.maps), f"{len(student.maps)}")
        self._stages = 1 if stages == "last" else len(student.maps)
        pairs = zip(student.maps[-self._stages :], teacher.maps[-self._stages :], strict=True)
        smaller = [(min(s[1], t[1]), min(s[2], t[2])) for s, t in pairs]
        self.sizes: tuple[tuple[int, int], ...] = tuple((map_size, map_size) if map_size else size for size in smaller)

    def matched_maps(self, taps: Taps) -> list[Tensor]:
        """The pooled maps of the chosen stages, each ``(B, C, H, W)`` with the declared ``(H, W)``."""
        return [
            features if features.shape[-2:] == size else functional.adaptive_avg_pool2d(features, size)
            for features, size in zip(taps.maps[-self._stages :], self.sizes, strict=True)
        ]
