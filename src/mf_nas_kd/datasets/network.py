"""A trained network in one safetensors file, from which loading executes no code."""

from __future__ import annotations

from pathlib import Path

from kedro.io import DatasetError
from safetensors.torch import save_file

from mf_nas_kd.datasets.atomic import AtomicSave
from mf_nas_kd.datasets.binary import LocalFileDataset
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.networks.tensor_file import LARGEST_NETWORK_BYTES, read_tensors


class _Network(LocalFileDataset):
    def load(self) -> TrainedNetwork:
        path = Path(self._get_load_path())
        try:
            return TrainedNetwork.from_tensors(*read_tensors(path, LARGEST_NETWORK_BYTES))
        except FileNotFoundError:
            raise  # the message says what to run
        except (OSError, KeyError, ValueError) as failure:
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
