"""The objective of a training: the one place where the terms of the loss are weighted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.device import full_precision
from mf_nas_kd.distillation import DistillationLoss
from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.images import Batch
from mf_nas_kd.seeding import canonical_json
from mf_nas_kd.taps import Taps
from mf_nas_kd.teacher import TeacherTargets
from mf_nas_kd.training.distillation_configuration import DistillationConfiguration, require_mixable


@dataclass(frozen=True)
class DistillationTerm:
    """The distillation term of an objective.

    Attributes:
        configuration: Weights of the terms.
        loss: The distillation loss.
        teacher_targets: Source of the teacher targets, cached or online.
        gradient_norm_ratio: Wanted ratio of gradient norms, see :meth:`Objective.match_gradient_norm`; above 0.
    """

    configuration: DistillationConfiguration
    loss: DistillationLoss
    teacher_targets: TeacherTargets
    gradient_norm_ratio: float


class Objective(nn.Module):
    """``cross_entropy_weight * cross_entropy + warm_up * loss_weight * loss``.

    Args:
        label_smoothing: Label smoothing of the cross-entropy, in [0, 1).
        term: The distillation term; None for plain cross-entropy.
        class_weights: ``(K,)``, weight of each class in the cross-entropy; None for a plain mean over the images. The
            distillation term is not weighted.

    Attributes:
        loss: The distillation loss, whose adapters are trained with the student; None for plain cross-entropy.
        loss_weight: Weight of the loss after its warm-up.
        needs_gradient_norm_matching: Whether the weight has still to be found.
    """

    def __init__(
        self, label_smoothing: float, term: DistillationTerm | None = None, class_weights: Tensor | None = None
    ) -> None:
        super().__init__()
        self.class_weights: Tensor | None
        self.register_buffer("class_weights", class_weights, persistent=False)
        self._label_smoothing = label_smoothing
        self._term = term
        self.loss = term.loss if term is not None else None
        weight = term.configuration.loss_weight if term is not None else 0.0
        self.needs_gradient_norm_matching = isinstance(weight, str)
        self.loss_weight = 0.0 if isinstance(weight, str) else float(weight)

    @property
    def name(self) -> str:
        """Loss with its weights and options, for messages: equal names, equal computations."""
        if self._term is None:
            return "plain cross-entropy"
        return f"the loss {self._term.configuration.loss} ({canonical_json(self._term.configuration.model_dump())})"

    @property
    def capturable(self) -> bool:
        """Whether a step can be captured once and replayed."""
        return self.loss is None or self.loss.capturable

    def require_mixable(self, mixup: float) -> None:
        """Refuse mixed images where the loss cannot have them, see :func:`require_mixable`.

        Raises:
            InvalidValueError: If it needs the label or the position of each image.
        """
        if self._term is not None:
            require_mixable(self._term.configuration, mixup)

    def forward(self, taps: Taps, batch: Batch, progress: float | Tensor = 1.0) -> Tensor:
        """Value of the objective, a 0-d tensor.

        Args:
            taps: The student's taps, in any precision.
            batch: The student's batch.
            progress: Fraction of the training that is done with this step, in (0, 1]; 0-d where it is a tensor.
        """
        cross_entropy, loss = self._terms(taps, batch)
        if self._term is None or loss is None:
            return cross_entropy
        configuration = self._term.configuration
        weighted = self.loss_weight * loss
        if configuration.loss_warmup_fraction > 0:
            warm_up = progress / configuration.loss_warmup_fraction
            weighted = weighted * (warm_up.clamp(max=1.0) if isinstance(warm_up, Tensor) else min(1.0, warm_up))
        return configuration.cross_entropy_weight * cross_entropy + weighted

    def match_gradient_norm(self, network: nn.Module, batch: Batch) -> None:
        """Set the weight of the loss so that its gradient's norm is ``gradient_norm_ratio`` times the cross-entropy's.

        Compared are the gradients, at these weights and on this batch, of the network's parameters that both terms
        depend on; the cross-entropy's before it is weighted.

        Raises:
            TrainingFailedError: If the gradient of the loss alone is zero, or one is not finite.

        References:
            Chen, Badrinarayanan, Lee, Rabinovich (2018). GradNorm. ICML, section 3. Difference: there the weights are
            adapted in every step, here the weight is found once.
        """
        cross_entropy, loss = self._terms(network(batch.images), batch)
        if self._term is None or loss is None:
            return
        norms = _shared_gradient_norms(network, cross_entropy, loss)
        weight = self._term.gradient_norm_ratio * norms[0] / norms[1] if norms and norms[1] > 0 else math.inf
        if norms == [0.0, 0.0]:
            weight = 0.0  # no path leads from the images to the output: neither term has a gradient
        if not math.isfinite(weight):
            raise TrainingFailedError(
                f"gradient norms cannot be matched for {self._term.configuration.loss}: at the start, the gradients of "
                f"cross-entropy and loss have the norms {norms or 'of no shared parameter'}"
            )
        self.loss_weight = weight
        self.needs_gradient_norm_matching = False

    def gradient_norm_ratio(self, network: nn.Module, batch: Batch) -> float:
        """Norm of the weighted loss's gradient, after its warm-up, as a multiple of the cross-entropy's.

        The same gradients as in :meth:`match_gradient_norm`. 0 where the loss has none; infinite where only the
        cross-entropy's is zero.
        """
        cross_entropy, loss = self._terms(network(batch.images), batch)
        if self._term is None or loss is None:
            return 0.0
        norms = _shared_gradient_norms(network, cross_entropy, loss)
        weighted = self.loss_weight * norms[1] if norms else 0.0
        if weighted == 0:
            return 0.0
        return weighted / norms[0] if norms[0] > 0 else math.inf

    def _terms(self, taps: Taps, batch: Batch) -> tuple[Tensor, Tensor | None]:
        with full_precision(batch.labels.device):
            taps = taps.float()
            cross_entropy = self._cross_entropy(taps.logits, batch)
            if self._term is None:
                return cross_entropy, None
            targets = self._term.teacher_targets(batch)
            return cross_entropy, self._term.loss(taps, targets, batch.positions, batch.labels)

    def _cross_entropy(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean over the batch, weighted by the images' classes if these have weights.

        Of mixed images, the cross-entropies of both labels are mixed, which is that of their mixture; so are the
        weights by whose sum it is divided.
        """
        smoothing, mixture, weights = self._label_smoothing, batch.mixture, self.class_weights
        if mixture is None:
            return functional.cross_entropy(logits, batch.labels, weights, label_smoothing=smoothing)
        own, partners = (
            functional.cross_entropy(logits, labels, weights, label_smoothing=smoothing, reduction="none")
            for labels in (batch.labels, mixture.partner_labels)
        )
        mixed = own.lerp(partners, 1 - mixture.shares)
        if weights is None:
            return mixed.mean()
        return mixed.sum() / weights[batch.labels].lerp(weights[mixture.partner_labels], 1 - mixture.shares).sum()


def _shared_gradient_norms(network: nn.Module, cross_entropy: Tensor, loss: Tensor) -> list[float]:
    """Norms of both gradients over the parameters that both depend on; empty where there is none."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    of_cross_entropy = torch.autograd.grad(cross_entropy, parameters, retain_graph=True, allow_unused=True)
    of_loss = torch.autograd.grad(loss, parameters, allow_unused=True)
    pairs = zip(of_cross_entropy, of_loss, strict=True)
    shared = [(first, second) for first, second in pairs if first is not None and second is not None]
    return [_norm(gradients) for gradients in zip(*shared, strict=True)]


def _norm(gradients: Sequence[Tensor]) -> float:
    """Norm of all together, in float64 on the CPU: squares of small numbers vanish in float32, and MPS has no other."""
    return float(torch.stack([gradient.cpu().double().norm() for gradient in gradients]).norm())
