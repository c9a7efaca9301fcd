"""Classification networks of timm (the extra ``timm``), which is imported when such a network is described or built."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any, ClassVar

from pydantic import JsonValue
from torch import Tensor

from mf_nas_kd.errors import InvalidValueError, MissingPackageError, MissingWeightsError, close_names, did_you_mean
from mf_nas_kd.networks.hooked import HookedNetwork, classifier_name
from mf_nas_kd.networks.own_input import Normalisation, OwnInputOptions, PretrainedInput
from mf_nas_kd.registry import Options

RESERVED = frozenset(
    {"pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir"}
    | {"num_classes", "in_chans", "features_only", "scriptable", "exportable"}
)
"""Arguments of ``timm.create_model`` that are given, or that load files and networks of another form."""


class TimmOptions(OwnInputOptions):
    """Options of a network of timm.

    Attributes:
        model: A name that ``timm.list_models()`` gives, perhaps with the tag of weights (``resnet18.a1_in1k``).
        pretrained: Whether the model's published weights are downloaded, where they are not in timm's own cache.
        arguments: Further arguments of ``timm.create_model``.
    """

    model: str
    pretrained: bool
    arguments: Mapping[str, JsonValue]

    def pretrained_input(self) -> PretrainedInput:
        """Size and normalisation of the model's published weights, from its ``pretrained_cfg``.

        Raises:
            MissingPackageError: If timm is not installed.
            InvalidValueError: If timm does not have the model.
        """
        configuration = _known(self.model).get_pretrained_cfg(self.model, allow_unregistered=True)
        _, height, width = configuration.input_size
        normalisation = Normalisation(mean=configuration.mean, std=configuration.std)
        return PretrainedInput((height, width), normalisation)

    def resolved_fields(self) -> dict[str, Any]:
        """As of the base; timm must be installed and have the model.

        Raises:
            MissingPackageError: If timm is not installed.
            InvalidValueError: If timm does not have the model.
        """
        _known(self.model)
        return super().resolved_fields()


class TimmNetwork(HookedNetwork):
    """One of timm's classification networks, with newly drawn weights.

    Args:
        model: One of the names in ``timm.list_models()``.
        pretrained: Whether :meth:`load_pretrained` is to be called; building and rebuilding download nothing.
        arguments: Further keyword arguments of ``timm.create_model``.
        classes: Number of classes, ``K``.
        image_channels: Channels of the images as the network sees them.

    Raises:
        MissingPackageError: If timm is not installed.
        InvalidValueError: If timm does not have the model or take the arguments, or if the model's outputs are not
            those of one linear layer.

    References:
        Wightman (2019). PyTorch Image Models. https://github.com/huggingface/pytorch-image-models
    """

    Options: ClassVar[type[Options]] = TimmOptions

    def __init__(
        self, model: str, pretrained: bool, arguments: Mapping[str, JsonValue], classes: int, image_channels: int
    ) -> None:
        timm = _known(model)
        if reserved := sorted(RESERVED & set(arguments)):
            raise InvalidValueError("teacher.options.timm.arguments", reserved, "others: these are given or refused")
        try:
            built = timm.create_model(model, num_classes=classes, in_chans=image_channels, **arguments)
        except Exception as failure:  # builders of a thousand networks raise errors of nearly any kind
            allowed = f"what timm's {model} takes: {failure}"
            raise InvalidValueError("teacher.options.timm.arguments", dict(arguments), allowed) from failure
        if not (hasattr(built, "forward_features") and hasattr(built, "forward_head")):
            raise InvalidValueError("teacher.options.timm.model", model, "one with forward_features and forward_head")
        if built.get_classifier() is not built.get_submodule(classifier_name(built, classes)):
            raise InvalidValueError("teacher.options.timm.model", model, "one whose logits are those of one layer")
        super().__init__(built, classes, channels_last=getattr(built, "output_fmt", "NCHW") == "NHWC")
        self.model: Any  # has methods beside those of torch's modules
        self._classes, self._image_channels = classes, image_channels

    def logits(self, images: Tensor) -> Tensor:
        """Run the network on adapted images ``(B, C', H', W')``; returns ``(B, K)``."""
        features = self.model.forward_features(images)
        self._record_output(self.model, None, features)
        self._trunk_ended = True
        logits: Tensor = self.model.forward_head(features)
        return logits

    def load_pretrained(self) -> tuple[str, bool]:
        """Download the published weights, or take them from timm's own cache.

        Returns:
            Their name, a provenance; and whether the classifier is theirs, not a new one for other classes.

        Raises:
            MissingWeightsError: If there are none, or they cannot be downloaded.
        """
        from timm.models import load_pretrained

        configuration: Mapping[str, Any] = self.model.pretrained_cfg
        name = f"{configuration['architecture']}.{configuration.get('tag') or 'default'}"
        try:
            load_pretrained(self.model, num_classes=self._classes, in_chans=self._image_channels)
        except Exception as failure:  # of the network, of the hub's client, or of a damaged file
            reason = " ".join(str(failure).split()) or type(failure).__name__
            raise MissingWeightsError(
                f"timm's weights {name} (teacher.options.timm.pretrained) cannot be downloaded: {reason}; "
                "a file of them can be given as teacher.weights"
            ) from failure
        return f"timm/{name}", configuration["num_classes"] == self._classes


def _known(model: str) -> ModuleType:
    """The package timm, which has the model."""
    if find_spec("timm") is None:
        raise MissingPackageError(
            "teacher.builder timm needs the package timm, which is not installed: pip install 'mf-nas-kd[timm]'"
        )
    import timm

    architecture = model.partition(".")[0]
    if not timm.is_model(architecture):
        allowed = f"one that timm.list_models() lists{did_you_mean(close_names(architecture, timm.list_models()))}"
        raise InvalidValueError("teacher.options.timm.model", model, allowed)
    return timm
