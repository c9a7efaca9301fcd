"""A trained network in one safetensors file, from which loading executes no code."""

from __future__ import annotations

from pathlib import Path

from kedro.io import DatasetError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mf_nas_kd.datasets.atomic import AtomicSave
from mf_nas_kd.datasets.binary import LocalFileDataset
from mf_nas_kd.networks import TrainedNetwork


class _Network(LocalFileDataset):
    def load(self) -> TrainedNetwork:
        path = Path(self._get_load_path())
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in list(file.keys())}
                return TrainedNetwork.from_tensors(tensors, file.metadata())
        except (SafetensorError, KeyError, TypeError) as failure:
            raise DatasetError(f"{path} is damaged, or not a file of a trained network: {failure}") from failure

    def save(self, data: TrainedNetwork) -> None:
        tensors, header = data.to_tensors()
        save_file(tensors, Path(self._get_save_path()), metadata=header)


class NetworkDataset(AtomicSave, _Network):
    """Weights and description; what is loaded equals what was saved.

    Args:
        filepath: Where.
        version: Set by Kedro for versioned datasets.
        metadata: For kedro-viz.
    """
