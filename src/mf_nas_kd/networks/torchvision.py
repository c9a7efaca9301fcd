"""Classification networks of torchvision, with forward hooks that record their taps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, JsonValue
from torch import Tensor, nn
from torchvision import models
from torchvision.ops import Permute

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import Options, lookup
from mf_nas_kd.taps import Taps

WITHOUT_AUXILIARY_HEADS: Mapping[str, Mapping[str, bool]] = {
    "googlenet": {"aux_logits": False, "init_weights": True},
    "inception_v3": {"aux_logits": False, "init_weights": True},
}
"""Arguments with which a network has no auxiliary classifiers; ``init_weights`` avoids a warning."""

CHANNELS_LAST = [0, 2, 3, 1]
"""Dimensions of a permutation of ``(B, C, H, W)`` to ``(B, H, W, C)``."""


MODELS = {name: models.get_model_builder(name) for name in models.list_models(module=models)}
"""Builders of torchvision's classification networks, by their names there."""


def _known_model(name: str) -> str:
    lookup(MODELS, name, "torchvision's model")
    return name


class TorchvisionOptions(Options):
    """Options of a network of torchvision.

    Attributes:
        model: A name that ``torchvision.models.list_models(torchvision.models)`` gives.
        small_image_stem: Whether a first convolution that shrinks the image is replaced by a 3x3 one that does not, and
            the pooling behind it left out, as is usual for images of 32 pixels.
        arguments: Further arguments of torchvision's builder.
    """

    model: Annotated[str, AfterValidator(_known_model)]
    small_image_stem: bool
    arguments: Mapping[str, JsonValue]


class TorchvisionNetwork(nn.Module):
    """One of torchvision's classification networks, with newly drawn weights.

    The maps are the last outputs of every resolution in the trunk. The embedding is the input of the last layer,
    averaged over the positions where it is a feature map. Vision transformers, which have tokens only, have no maps.

    Args:
        model: One of the names in ``torchvision.models.list_models(torchvision.models)``.
        small_image_stem: See :class:`TorchvisionOptions`.
        arguments: Further keyword arguments of torchvision's builder.
        classes: Number of classes, ``K``.
        image_channels: Channels of the images: 1 for greyscale, 3 for colour.

    Raises:
        UnknownNameError: If torchvision has no classification network of this name.
        InvalidValueError: If its builder does not take the arguments.
    """

    Options: ClassVar[type[Options]] = TorchvisionOptions

    def __init__(
        self,
        model: str,
        small_image_stem: bool,
        arguments: Mapping[str, JsonValue],
        classes: int,
        image_channels: int,
    ) -> None:
        super().__init__()
        self.model = _build(model, arguments, classes)
        _adapt_first_convolution(self.model, image_channels, small_image_stem)
        self._trunk_outputs: list[Tensor] = []
        self._embeddings: list[Tensor] = []
        self._channels_last = self._trunk_ended = False
        for module in _trunk(self.model):
            module.register_forward_hook(self._record_output)
        _last_layer(self.model, classes).register_forward_pre_hook(self._record_embedding)

    def forward(self, images: Tensor) -> Taps:
        """Compute the taps of images ``(B, C, H, W)``."""
        self._trunk_outputs, self._embeddings = [], []
        self._channels_last = self._trunk_ended = False
        logits = self.model(images)
        last_of_resolution: dict[tuple[int, ...], Tensor] = {}
        for output in self._trunk_outputs:
            last_of_resolution[tuple(output.shape[-2:])] = output
        (embedding,) = self._embeddings
        self._trunk_outputs, self._embeddings = [], []
        if embedding.ndim == 4:
            embedding = embedding.mean(dim=(2, 3))
        return Taps(logits, embedding, tuple(last_of_resolution.values()))

    def _record_output(self, module: nn.Module, _: Any, output: Any) -> None:
        """Forward hook of the trunk's modules: keep feature maps in the layout ``(B, C, H, W)``."""
        if isinstance(module, Permute):
            self._channels_last = module.dims == CHANNELS_LAST
        self._trunk_ended = self._trunk_ended or isinstance(module, nn.AdaptiveAvgPool2d)
        if self._trunk_ended or not isinstance(output, Tensor):
            return
        if output.ndim == 4:
            self._trunk_outputs.append(output.permute(0, 3, 1, 2) if self._channels_last else output)
        elif output.ndim == 3:
            self._trunk_outputs = []  # tokens: the maps before them were patches, not features

    def _record_embedding(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Forward hook before the last layer: keep its input."""
        self._embeddings.append(inputs[0])
        self._trunk_ended = True


def _build(model: str, arguments: Mapping[str, JsonValue], classes: int) -> nn.Module:
    build = lookup(MODELS, model, "torchvision's model")
    given = {**WITHOUT_AUXILIARY_HEADS.get(model, {}), **arguments}
    try:
        network: nn.Module = build(weights=None, num_classes=classes, **given)
    except (TypeError, ValueError, AssertionError, NotImplementedError) as failure:  # there is no error of its own
        allowed = f"what torchvision's {model} takes: {failure}"
        raise InvalidValueError("teacher.options.torchvision.arguments", dict(arguments), allowed) from failure
    return network


def _trunk(module: nn.Module) -> Iterator[nn.Module]:
    """The modules that a network runs in sequence: its children, with containers replaced by their own children."""
    for child in module.children():
        if isinstance(child, (nn.Sequential, nn.ModuleList)):
            yield from _trunk(child)
        else:
            yield child


def _last_layer(model: nn.Module, classes: int) -> nn.Module:
    """The layer whose outputs are the logits: the last linear layer or convolution with ``K`` outputs."""
    layers = [module for module in model.modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    return next(layer for layer in reversed(layers) if layer.weight.shape[0] == classes)


def _adapt_first_convolution(model: nn.Module, image_channels: int, small_image_stem: bool) -> None:
    """Replace the first convolution where the images have other channels or the stem is for small images."""
    name, first = next((n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
    makes_tokens = isinstance(model, models.VisionTransformer)  # its first convolution makes tokens of patches
    replaces_stem = small_image_stem and max(first.stride) > 1 and not makes_tokens
    if image_channels == first.in_channels and not replaces_stem:
        return
    shape: dict[str, Any] = {"kernel_size": first.kernel_size, "stride": first.stride, "padding": first.padding}
    if replaces_stem:
        shape = {"kernel_size": 3, "stride": 1, "padding": 1}
        pooling = next((n for n, m in model.named_modules() if isinstance(m, nn.MaxPool2d)), None)
        if pooling is not None:
            _replace(model, pooling, nn.Identity())
    _replace(model, name, nn.Conv2d(image_channels, first.out_channels, bias=first.bias is not None, **shape))


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    """Set the submodule with a dotted name."""
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, module)
