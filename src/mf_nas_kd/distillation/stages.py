"""Which feature maps of student and teacher belong together, and at which size they are compared."""

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
    """Pairs ``(map of the student, map of the teacher)``, as places in :attr:`Taps.maps`.

    ``last`` is the last map of both. For ``all``, networks with equally many maps are paired one to one, others by
    equal resolution. ``middle`` is ``all`` but the first and the last pair, where there are more than two.

    Raises:
        InvalidValueError: If ``stages`` is not known.
        ShapeMismatchError: If numbers of maps differ and no resolution is common to both.
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
    """Refuse networks of tokens, for the losses that compare maps.

    Raises:
        ShapeMismatchError: If one of both has no map.
    """
    for side, shapes in (("student", student), ("teacher", teacher)):
        if not shapes.maps:
            allowed = "at least 1: this loss compares maps, use one of the logits or the embedding"
            raise ShapeMismatchError(f"number of the {side}'s feature maps", 0, allowed)


def _all_stages(student: TapShapes, teacher: TapShapes) -> list[tuple[int, int]]:
    if len(student.maps) == len(teacher.maps):
        return [(place, place) for place in range(len(student.maps))]
    resolutions = {shape[1:]: place for place, shape in enumerate(teacher.maps)}
    pairs = [(p, resolutions[shape[1:]]) for p, shape in enumerate(student.maps) if shape[1:] in resolutions]
    if not pairs:
        received = [shape[1:] for shape in teacher.maps]
        allowed = f"as many as the student's, or have one of them: {[shape[1:] for shape in student.maps]}"
        raise ShapeMismatchError("resolutions of the teacher's maps", received, allowed)
    return pairs


def smaller_size(student: tuple[int, int, int], teacher: tuple[int, int, int]) -> tuple[int, int]:
    """``(H, W)`` to which two maps ``(C, H, W)`` are pooled: the smaller of both, in each direction."""
    return min(student[1], teacher[1]), min(student[2], teacher[2])


def pooled(features: Tensor, size: tuple[int, int]) -> Tensor:
    """A map ``(B, C, H, W)``, average-pooled to ``size`` where it is larger."""
    return features if features.shape[-2:] == size else functional.adaptive_avg_pool2d(features, size)


def _with_positions(student: TapShapes, teacher: TapShapes, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs themselves, or the last pair of all that has more than one position where they have one only."""

    def has_positions(pair: tuple[int, int]) -> bool:
        return smaller_size(student.maps[pair[0]], teacher.maps[pair[1]]) != (1, 1)

    if any(has_positions(pair) for pair in pairs):
        return pairs
    others = [pair for pair in _all_stages(student, teacher) if has_positions(pair)]
    if not others:
        allowed = "larger in one stage at least: this loss compares positions, choose another"
        raise ShapeMismatchError("(height, width) of the maps that are compared", (1, 1), allowed)
    return others[-1:]


class MatchedMapsLoss(DistillationLoss):
    """Compares the maps of chosen stages, average-pooled to a common size that both sides declare beforehand.

    The teacher's side depends on the size, so it must not depend on the student at hand: it is declared from the shapes
    once, and belongs to the key of whatever is remembered.

    Attributes:
        compares_positions: Whether the loss looks at the positions of a map relative to each other. Maps of one
            position have nothing to say then, and the last stage that has more is taken instead (of images of 8 pixels,
            many networks leave one).
        form: What is taken of the teacher's maps, in words.

    Args:
        options: See :class:`MatchedMapsLoss.Options`.

    Raises:
        ShapeMismatchError: If the stages of the networks cannot be paired, or no stage has positions to compare.
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
        self._student_places = [place for place, _ in pairs]
        self._teacher_places = [place for _, place in pairs]
        smaller = [smaller_size(student.maps[s], teacher.maps[t]) for s, t in pairs]
        self.sizes: tuple[tuple[int, int], ...] = tuple((map_size, map_size) if map_size else size for size in smaller)

    @property
    def target_key(self) -> str:
        return f"{self.form} of maps {self._teacher_places} pooled to {self.sizes}"

    def student_maps(self, taps: Taps) -> list[Tensor]:
        """The student's maps of the chosen stages, each ``(B, C, H, W)`` with the declared ``(H, W)``."""
        return self._pooled(taps, self._student_places)

    def teacher_maps(self, taps: Taps) -> list[Tensor]:
        """The teacher's maps of the chosen stages, each ``(B, C, H, W)`` with the declared ``(H, W)``."""
        return self._pooled(taps, self._teacher_places)

    def _pooled(self, taps: Taps, places: list[int]) -> list[Tensor]:
        return [pooled(taps.maps[place], size) for place, size in zip(places, self.sizes, strict=True)]
