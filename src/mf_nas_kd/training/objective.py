"""What a training minimises: the one place where the terms of the loss are weighed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.device import full_precision
from mf_nas_kd.distillation import DistillationLoss
from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.images import Batch
from mf_nas_kd.taps import Taps
from mf_nas_kd.teacher.targets import TeacherTargets
from mf_nas_kd.training.recipes import BALANCED, DistillationRecipe


@dataclass(frozen=True)
class Imitation:
    """What a student is asked for beside the right classes.

    Attributes:
        recipe: Weights of the terms.
        loss: The distillation loss.
        teacher_targets: What was remembered of the teacher, or the teacher itself.
        balanced_ratio: For the weight ``balanced``; see :meth:`Objective.balance`.
    """

    recipe: DistillationRecipe
    loss: DistillationLoss
    teacher_targets: TeacherTargets
    balanced_ratio: float


class Objective(nn.Module):
    """``cross_entropy_weight * cross_entropy + warm_up * loss_weight * loss``.

    Args:
        label_smoothing: Of the cross-entropy.
        imitation: What is distilled; None for a plain training.
    """

    def __init__(self, label_smoothing: float, imitation: Imitation | None = None) -> None:
        super().__init__()
        self._label_smoothing = label_smoothing
        self._imitation = imitation
        self.loss = imitation.loss if imitation is not None else None  # its adapters are trained with the student
        weight = imitation.recipe.loss_weight if imitation is not None else 0.0
        self.needs_balance = weight == BALANCED
        self.loss_weight = 0.0 if weight == BALANCED else float(weight)

    @property
    def capturable(self) -> bool:
        """Whether a step can be captured once and replayed."""
        return self.loss is None or self.loss.capturable

    def forward(self, taps: Taps, batch: Batch, progress: float | Tensor = 1.0) -> Tensor:
        """A 0-d tensor.

        Args:
            taps: Of the student, in any precision.
            batch: What the student saw.
            progress: Share of the training that is done with this step, in (0, 1]; 0-d where it is a tensor.
        """
        cross_entropy, loss = self._terms(taps, batch)
        if self._imitation is None or loss is None:
            return cross_entropy
        recipe = self._imitation.recipe
        weighted = self.loss_weight * loss
        if recipe.loss_warmup_fraction > 0:
            warm_up = progress / recipe.loss_warmup_fraction
            weighted = weighted * (warm_up.clamp(max=1.0) if isinstance(warm_up, Tensor) else min(1.0, warm_up))
        return recipe.cross_entropy_weight * cross_entropy + weighted

    def balance(self, network: nn.Module, batch: Batch) -> None:
        """Set the weight of the loss so that its gradient is ``balanced_ratio`` times as long as the cross-entropy's.

        Compared are the gradients, at these weights and on this batch, of the network's parameters that both terms
        depend on; the cross-entropy's before it is weighed. A simple form of Chen et al. (2018), GradNorm, ICML, which
        goes on balancing through the training; here the weight stays.

        Raises:
            TrainingFailedError: If the gradient of the loss alone is zero, or one is not finite.
        """
        cross_entropy, loss = self._terms(network(batch.images), batch)
        if self._imitation is None or loss is None:
            return
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        of_cross_entropy = torch.autograd.grad(cross_entropy, parameters, retain_graph=True, allow_unused=True)
        of_loss = torch.autograd.grad(loss, parameters, allow_unused=True)
        pairs = zip(of_cross_entropy, of_loss, strict=True)
        shared = [(first, second) for first, second in pairs if first is not None and second is not None]
        lengths = [torch.stack([g.double().norm() for g in side]).norm().item() for side in zip(*shared, strict=True)]
        weight = self._imitation.balanced_ratio * lengths[0] / lengths[1] if lengths and lengths[1] > 0 else math.inf
        if lengths == [0.0, 0.0]:
            weight = 0.0  # no path leads from the images to the output: neither term teaches anything
        if not math.isfinite(weight):
            raise TrainingFailedError(
                f"the weight of {self._imitation.recipe.loss} cannot be balanced: at the start, the gradients of "
                f"cross-entropy and loss have the lengths {lengths or 'of no shared parameter'}"
            )
        self.loss_weight = weight
        self.needs_balance = False

    def _terms(self, taps: Taps, batch: Batch) -> tuple[Tensor, Tensor | None]:
        with full_precision(batch.labels.device):
            taps = taps.float()
            cross_entropy = functional.cross_entropy(taps.logits, batch.labels, label_smoothing=self._label_smoothing)
            if self._imitation is None:
                return cross_entropy, None
            targets = self._imitation.teacher_targets(batch)
            return cross_entropy, self._imitation.loss(taps, targets, batch.positions, batch.labels)
