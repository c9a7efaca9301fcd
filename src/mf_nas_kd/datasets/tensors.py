"""Tensors and a header in one safetensors file: nothing is executed when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from kedro.io import DatasetError, Version
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mf_nas_kd.datasets.atomic import AtomicSave
from mf_nas_kd.datasets.binary import LocalFileDataset
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.registry import lookup


class HasTensors(Protocol):
    """A value that is tensors and a header."""

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, str]]: ...

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> Self: ...


CONTENTS: Mapping[str, type[HasTensors]] = {"images": ImageDataset, "network": TrainedNetwork}


class _Tensors(LocalFileDataset):
    def __init__(
        self,
        *,
        filepath: str,
        content: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self._content = lookup(CONTENTS, content, "content of a TensorsDataset")

    def load(self) -> HasTensors:
        path = Path(self._get_load_path())
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in list(file.keys())}
                return self._content.from_tensors(tensors, file.metadata())
        except (SafetensorError, KeyError, TypeError) as failure:
            raise DatasetError(f"{path} is damaged, or not a file of {self._content.__name__}: {failure}") from failure

    def save(self, data: HasTensors) -> None:
        tensors, header = data.to_tensors()
        save_file(tensors, Path(self._get_save_path()), metadata=header)


class TensorsDataset(AtomicSave, _Tensors):
    """A value of one of ``CONTENTS``; what is loaded equals what was saved.

    Args:
        filepath: Where.
        content: ``images`` or ``network``.
        version: Set by Kedro for versioned datasets.
        metadata: For kedro-viz.
    """
