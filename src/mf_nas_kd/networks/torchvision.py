"""Classification networks of torchvision, with forward hooks that record their taps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, JsonValue
from torch import nn
from torchvision import models

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks.hooked import HookedNetwork
from mf_nas_kd.networks.own_input import Normalisation, OwnInputOptions, PretrainedInput
from mf_nas_kd.registry import Options, lookup

WITHOUT_AUXILIARY_HEADS: Mapping[str, Mapping[str, bool]] = {
    "googlenet": {"aux_logits": False, "init_weights": True},
    "inception_v3": {"aux_logits": False, "init_weights": True},
}
"""Arguments with which a network has no auxiliary classifiers; ``init_weights`` avoids a warning."""

MODELS = {name: models.get_model_builder(name) for name in models.list_models(module=models)}
"""Builders of torchvision's classification networks, by their names there."""


def _known_model(name: str) -> str:
    lookup(MODELS, name, "torchvision's model")
    return name


class TorchvisionOptions(OwnInputOptions):
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

    def pretrained_input(self) -> PretrainedInput:
        """Size and normalisation of the model's published weights, from the preprocessing that comes with them."""
        preprocessing = models.get_model_weights(self.model).DEFAULT.transforms()
        (size,) = preprocessing.crop_size
        normalisation = Normalisation(mean=tuple(preprocessing.mean), std=tuple(preprocessing.std))
        return PretrainedInput((size, size), normalisation)


class TorchvisionNetwork(HookedNetwork):
    """One of torchvision's classification networks, with newly drawn weights.

    Args:
        model: One of the names in ``torchvision.models.list_models(torchvision.models)``.
        small_image_stem: See :class:`TorchvisionOptions`.
        arguments: Further keyword arguments of torchvision's builder.
        classes: Number of classes, ``K``.
        image_channels: Channels of the images as the network sees them.

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
        network = _build(model, arguments, classes)
        _adapt_first_convolution(network, image_channels, small_image_stem)
        super().__init__(network, classes)


def _build(model: str, arguments: Mapping[str, JsonValue], classes: int) -> nn.Module:
    build = lookup(MODELS, model, "torchvision's model")
    given = {**WITHOUT_AUXILIARY_HEADS.get(model, {}), **arguments}
    try:
        network: nn.Module = build(weights=None, num_classes=classes, **given)
    except (TypeError, ValueError, AssertionError, NotImplementedError) as failure:  # there is no error of its own
        allowed = f"what torchvision's {model} takes: {failure}"
        raise InvalidValueError("teacher.options.torchvision.arguments", dict(arguments), allowed) from failure
    return network


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
