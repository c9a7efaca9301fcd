"""Contrastive representation distillation: the features of an image in both networks are contrasted.

References:
    Tian, Krishnan, Isola (2020). Contrastive Representation Distillation. ICLR, section 3; noise-contrastive
    estimation with a memory bank as in Wu et al. (2018), Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination, CVPR, section 3.
    Differences: negatives are other images of any class, not of other classes only. Where the subset has at most as
    many other images as ``negatives``, each of them is used once and nothing is drawn. The similarities to the whole
    memory bank are computed in one product, and those of the negatives are picked: gathering the features of 16384
    negatives for each image would copy 128 times as many numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, ValidationInfo
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions, Number, PositiveCount, PositiveNumber
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.taps import Taps, TapShapes

SMALL = 1e-7  # added to denominators: keeps the logarithms finite


def _share(value: Number, info: ValidationInfo) -> Number:
    if not 0 <= value < 1:
        raise InvalidValueError(str(info.field_name), value, "in [0, 1)")
    return value


class ContrastiveLoss(DistillationLoss):
    """Noise-contrastive loss of student against teacher memory bank plus teacher against student memory bank.

    ``forward`` keeps a memory: the memory of the images moves towards their features (at the next call: until then the
    backward pass needs it as it was), and the first batch sets the normalisation constants.

    Args:
        options: See :class:`ContrastiveLoss.Options`.

    Raises:
        InvalidValueError: If the subset has one image only.
    """

    class Options(LossOptions):
        """Options of ``crd``.

        Attributes:
            features: Dimensions of the common space, at least 1.
            negatives: Number of negatives ``n`` of each image, at least 1; at most ``num_images - 1`` are used.
            temperature: Temperature of the similarities, above 0.
            momentum: Weight of the old value when a memory is updated, in [0, 1).
        """

        features: PositiveCount
        negatives: PositiveCount
        temperature: PositiveNumber
        momentum: Annotated[Number, AfterValidator(_share)]

    published = Options(features=128, negatives=16384, temperature=0.07, momentum=0.5)
    capturable = False
    mixable = False
    student_memory: Tensor
    teacher_memory: Tensor

    def __init__(self, *, student: TapShapes, teacher: TapShapes, num_images: int, options: Options) -> None:
        super().__init__(student=student, teacher=teacher, num_images=num_images, options=options)
        if num_images < 2:
            raise InvalidValueError("number of images in the subset", num_images, "at least 2: crd needs negatives")
        features = options.features
        self.negatives = min(options.negatives, num_images - 1)
        self.temperature = options.temperature
        self.momentum = options.momentum
        self.student_map = nn.Linear(student.embedding, features)
        self.teacher_map = nn.Linear(teacher.embedding, features)
        for side in ("student", "teacher"):
            # Uniform on [-1, 1] / sqrt(D / 3) has variance 1 / D: rows of length about one.
            memory = (torch.rand(num_images, features) * 2 - 1) * (3 / features) ** 0.5
            self.register_buffer(f"{side}_memory", memory)
            self.register_buffer(f"{side}_constant", torch.zeros(()))
        self._generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        self._last_features: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def target_key(self) -> str:
        return "embedding"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The teacher's embedding, ``(B, D)``."""
        return taps.embedding

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        student = functional.normalize(self.student_map(taps.embedding), dim=1)
        teacher = functional.normalize(self.teacher_map(targets.to(taps.embedding.dtype)), dim=1)
        contrast = torch.cat([indices[:, None], self._draw_negatives(indices)], dim=1)  # (B, 1 + negatives)
        self._update_memory()
        self._last_features = (indices, student.detach(), teacher.detach())
        return self._contrast("teacher", student, contrast) + self._contrast("student", teacher, contrast)

    def _draw_negatives(self, indices: Tensor) -> Tensor:
        """Positions of negatives ``(B, negatives)``, int64; all other images where there are no more than needed."""
        if self.negatives == self.num_images - 1:
            others = torch.arange(self.num_images - 1, device=indices.device).expand(len(indices), -1)
        else:
            shape = (len(indices), self.negatives)
            others = torch.randint(self.num_images - 1, shape, generator=self._generator).to(indices.device)
        return others + (others >= indices[:, None])  # skips the image itself

    def _contrast(self, side: str, features: Tensor, contrast: Tensor) -> Tensor:
        """Loss of features ``(B, features)`` of one side against the memory bank of the other side.

        Args:
            side: Side of the memory bank, ``student`` or ``teacher``.
            features: Features of the batch's images.
            contrast: Positions ``(B, 1 + negatives)`` in the bank: first the image itself, then its negatives.
        """
        memory, constant = self.get_buffer(f"{side}_memory"), self.get_buffer(f"{side}_constant")
        similarities = (features @ memory.to(features.dtype).T).gather(1, contrast)
        unnormalised = (similarities / self.temperature).exp()
        first = unnormalised.detach().mean() * self.num_images
        constant.copy_(torch.where(constant == 0, first.to(constant.dtype), constant))
        model = unnormalised / constant.to(unnormalised.dtype)
        noise = self.negatives / self.num_images
        positive = (model[:, 0] / (model[:, 0] + noise + SMALL)).log().sum()
        negative = (noise / (model[:, 1:] + noise + SMALL)).log().sum()
        return -(positive + negative) / len(features)

    def get_extra_state(self) -> dict[str, Any]:
        """What is no buffer, for a training that is continued later: the generator, the features of the last call."""
        return {"generator": self._generator.get_state(), "last_features": self._last_features}

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Go on from an earlier :meth:`get_extra_state`."""
        self._generator.set_state(state["generator"])
        last = state["last_features"]
        self._last_features = None if last is None else last

    @torch.no_grad()
    def _update_memory(self) -> None:
        """Move the memory of the images of the last call towards their features."""
        if self._last_features is None:
            return
        indices, *features = self._last_features
        for side, seen in zip(("student", "teacher"), features, strict=True):
            memory = self.get_buffer(f"{side}_memory")
            moved = memory[indices] * self.momentum + seen.to(memory.dtype) * (1 - self.momentum)
            memory[indices] = functional.normalize(moved, dim=1)
