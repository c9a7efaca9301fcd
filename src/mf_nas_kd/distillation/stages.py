"""Pairs of feature maps of student and teacher, and the size at which they are compared."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from torch import Tensor
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions
from mf_nas_kd.errors import InvalidValueError, ShapeMismatchError
from mf_nas_kd.taps import Taps, TapShapes

STAGES = ("last", "middle", "all")


def chosen_stages(student: TapShapes, teacher: TapShapes, stages: str) -> list[tuple[int, int]]:
    """Pairs of feature maps of student and teacher that a loss compares.

    Args:
        student: Shapes of the student's taps.
        teacher: Shapes of the teacher's taps.
        stages: ``last``: the last map of both. ``all``: networks with equally many maps are paired one to one, others
            by equal resolution. ``middle``: ``all`` without the first and the last pair where there are more than two.

    Returns:
        Pairs ``(index of the student's map, index of the teacher's map)`` in :attr:`Taps.maps`.

    Raises:
        InvalidValueError: If ``stages`` is not known.
        ShapeMismatchError: If a network has no map, or numbers of maps differ and no resolution is common to both.

    >>> student = TapShapes(classes=10, embedding=64, maps=((8, 16, 16), (16, 8, 8), (32, 4, 4)))
    >>> teacher = TapShapes(classes=10, embedding=256, maps=((64, 16, 16), (128, 8, 8)))
    >>> chosen_stages(student, teacher, "all")
    [(0, 0), (1, 1)]
    >>> chosen_stages(student, teacher, "last")
    [(2, 1)]
    """
    _known_stages(stages)
    require_maps(student, teacher)
    if stages == "last":
        return [(len(student.maps) - 1, len(teacher.maps) - 1)]
    pairs = _all_stages(student, teacher)
    return pairs[1:-1] if stages == "middle" and len(pairs) > 2 else pairs


def _known_stages(stages: str) -> str:
    if stages not in STAGES:
        raise InvalidValueError("stages", stages, f"one of: {', '.join(STAGES)}")
    return stages


def _size_or_none(map_size: int | None) -> int | None:
    if map_size is not None and map_size < 1:
        raise InvalidValueError("map_size", map_size, "at least 1, or null for the smaller of both sides")
    return map_size


def require_maps(student: TapShapes, teacher: TapShapes) -> None:
    """Refuse networks without feature maps (vision transformers), for the losses that compare maps.

    Raises:
        ShapeMismatchError: If student or teacher has no map.
    """
    for side, shapes in (("student", student), ("teacher", teacher)):
        if not shapes.maps:
            allowed = "at least 1: this loss compares maps, use one of the logits or the embedding"
            raise ShapeMismatchError(f"number of the {side}'s feature maps", 0, allowed)


def _all_stages(student: TapShapes, teacher: TapShapes) -> list[tuple[int, int]]:
    """All pairs of maps: one to one where there are equally many, else by equal resolution."""
    if len(student.maps) == len(teacher.maps):
        return [(index, index) for index in range(len(student.maps))]
    by_resolution = {shape[1:]: index for index, shape in enumerate(teacher.maps)}
    pairs = [(i, by_resolution[shape[1:]]) for i, shape in enumerate(student.maps) if shape[1:] in by_resolution]
    if not pairs:
        received = [shape[1:] for shape in teacher.maps]
        allowed = f"as many as the student's, or include one of these: {[shape[1:] for shape in student.maps]}"
        raise ShapeMismatchError("resolutions of the teacher's maps", received, allowed)
    return pairs


def smaller_size(student: tuple[int, int, int], teacher: tuple[int, int, int]) -> tuple[int, int]:
    """Common size ``(H, W)`` of two maps ``(C, H, W)``: the smaller height and the smaller width.

    >>> smaller_size((16, 8, 8), (64, 4, 4))
    (4, 4)
    """
    return min(student[1], teacher[1]), min(student[2], teacher[2])


def pooled(features: Tensor, size: tuple[int, int]) -> Tensor:
    """Feature maps ``(B, C, H, W)``, average-pooled to ``size`` ``(H, W)`` where their size is another."""
    return features if features.shape[-2:] == size else functional.adaptive_avg_pool2d(features, size)


def _with_positions(student: TapShapes, teacher: TapShapes, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The given pairs, or, if all their maps have a single position, the last of all pairs that has more.

    Raises:
        ShapeMismatchError: If no pair has more than one position.
    """

    def has_positions(pair: tuple[int, int]) -> bool:
        return smaller_size(student.maps[pair[0]], teacher.maps[pair[1]]) != (1, 1)

    if any(has_positions(pair) for pair in pairs):
        return pairs
    others = [pair for pair in _all_stages(student, teacher) if has_positions(pair)]
    if not others:
        allowed = "larger in at least one stage: this loss compares positions, choose another loss"
        raise ShapeMismatchError("(height, width) of the maps that are compared", (1, 1), allowed)
    return others[-1:]


class MatchedMapsLoss(DistillationLoss):
    """Base class of the losses that compare feature maps, average-pooled to a common size.

    The teacher's targets depend on the size. It is therefore fixed in the constructor, from the shapes alone, and is
    part of the key under which the targets are cached.

    Attributes:
        compares_positions: Whether the loss compares the positions of a map with each other. Maps with one position
            carry no information then, and the last stage with more positions is used instead. (With images of 8 pixels,
            the last map of many networks has one position.)
        form: Name of what is computed from the teacher's maps, for the key of cached targets.
        sizes: Common size ``(H, W)`` of each stage.

    Args:
        options: See :class:`MatchedMapsLoss.Options`.

    Raises:
        ShapeMismatchError: If the stages of the networks cannot be paired, or no stage has more than one position.
    """

    class Options(LossOptions):
        """Options of all losses of matched maps.

        Attributes:
            stages: ``last``, ``middle`` or ``all``; see :func:`chosen_stages`.
            map_size: Height and width to pool to, in pixels; null for the smaller of both sides, in each stage.
        """

        stages: Annotated[str, AfterValidator(_known_stages)]
        map_size: Annotated[int | None, AfterValidator(_size_or_none)]

    compares_positions = True
    form: str

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        map_size = options.map_size
        pairs = chosen_stages(student, teacher, options.stages)
        if map_size is None and self.compares_positions:
            pairs = _with_positions(student, teacher, pairs)
        self._student_indices = [index for index, _ in pairs]
        self._teacher_indices = [index for _, index in pairs]
        smaller = [smaller_size(student.maps[s], teacher.maps[t]) for s, t in pairs]
        self.sizes: tuple[tuple[int, int], ...] = tuple((map_size, map_size) if map_size else size for size in smaller)

    @property
    def target_key(self) -> str:
        return f"{self.form} of maps {self._teacher_indices} pooled to {self.sizes}"

    def student_maps(self, taps: Taps) -> list[Tensor]:
        """The student's maps of the chosen stages, each ``(B, C, H, W)`` with the declared ``(H, W)``."""
        return self._pooled(taps, self._student_indices)

    def teacher_maps(self, taps: Taps) -> list[Tensor]:
        """The teacher's maps of the chosen stages, each ``(B, C, H, W)`` with the declared ``(H, W)``."""
        return self._pooled(taps, self._teacher_indices)

    def _pooled(self, taps: Taps, indices: list[int]) -> list[Tensor]:
        return [pooled(taps.maps[index], size) for index, size in zip(indices, self.sizes, strict=True)]
