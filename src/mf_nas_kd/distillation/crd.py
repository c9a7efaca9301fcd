"""Contrastive representation distillation: an image is recognised among others across the two networks.

References:
    Tian, Krishnan, Isola (2020). Contrastive Representation Distillation. ICLR, section 3; noise-contrastive
    estimation with a memory as in Wu et al. (2018), Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination, CVPR, section 3.
    Differences: negatives are other images of any class, not of other classes only; where the subset has no more other
    images than negatives are wanted, all of them are taken, once, and nothing is random. All similarities to the memory
    are computed in one product and the wanted ones picked: gathering 16384 negatives for each image would copy 128
    times as much.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import AfterValidator, ValidationInfo
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.distillation.loss import DistillationLoss, LossOptions, Number, PositiveCount, PositiveNumber
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.taps import Taps, TapShapes

SMALL = 1e-7  # keeps the logarithms finite


def _share(value: Number, info: ValidationInfo) -> Number:
    if not 0 <= value < 1:
        raise InvalidValueError(str(info.field_name), value, "in [0, 1)")
    return value


class ContrastiveLoss(DistillationLoss):
    """Noise-contrastive loss of student against teacher's memory plus teacher against student's memory.

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
            features: Dimensions of the space that both embeddings are mapped to.
            negatives: How many other images each is told from; fewer where the subset is smaller.
            temperature: Temperature of the similarities, above 0.
            momentum: Share of the old memory that stays, in [0, 1).
        """

        features: PositiveCount
        negatives: PositiveCount
        temperature: PositiveNumber
        momentum: Annotated[Number, AfterValidator(_share)]

    published = Options(features=128, negatives=16384, temperature=0.07, momentum=0.5)
    capturable = False
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
        self._seen: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def target_key(self) -> str:
        return "embedding"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """The embedding ``(B, D)``."""
        return taps.embedding

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        student = functional.normalize(self.student_map(taps.embedding), dim=1)
        teacher = functional.normalize(self.teacher_map(targets.to(taps.embedding.dtype)), dim=1)
        contrast = torch.cat([indices[:, None], self._draw_negatives(indices)], dim=1)  # (B, 1 + negatives)
        self._remember()
        self._seen = (indices, student.detach(), teacher.detach())
        return self._contrast("teacher", student, contrast) + self._contrast("student", teacher, contrast)

    def _draw_negatives(self, indices: Tensor) -> Tensor:
        """``(B, negatives)``: other images; all of them where there are no more than are wanted."""
        if self.negatives == self.num_images - 1:
            others = torch.arange(self.num_images - 1, device=indices.device).expand(len(indices), -1)
        else:
            shape = (len(indices), self.negatives)
            others = torch.randint(self.num_images - 1, shape, generator=self._generator).to(indices.device)
        return others + (others >= indices[:, None])  # the image itself is left out

    def _contrast(self, side: str, features: Tensor, contrast: Tensor) -> Tensor:
        """The loss of features ``(B, D)`` against the memory of the other side; the first of each row is the image."""
        memory, constant = self.get_buffer(f"{side}_memory"), self.get_buffer(f"{side}_constant")
        similarities = (features @ memory.to(features.dtype).T).gather(1, contrast)
        unnormalised = (similarities / self.temperature).exp()
        first = unnormalised.detach().mean() * self.num_images
        constant.copy_(torch.where(constant == 0, first.to(constant.dtype), constant))
        model = unnormalised / constant.to(unnormalised.dtype)
        noise = self.negatives / self.num_images
        right = (model[:, 0] / (model[:, 0] + noise + SMALL)).log().sum()
        wrong = (noise / (model[:, 1:] + noise + SMALL)).log().sum()
        return -(right + wrong) / len(features)

    @torch.no_grad()
    def _remember(self) -> None:
        """Move the memory of the images of the last call."""
        if self._seen is None:
            return
        indices, *features = self._seen
        for memory, seen in zip((self.student_memory, self.teacher_memory), features, strict=True):
            moved = memory[indices] * self.momentum + seen.to(memory.dtype) * (1 - self.momentum)
            memory[indices] = functional.normalize(moved, dim=1)
