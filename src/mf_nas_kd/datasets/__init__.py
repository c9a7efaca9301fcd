"""What the catalog stores that no library stores as it should: atomic files, tensors with a header, the store."""

from mf_nas_kd.datasets.atomic import (
    AtomicCSVDataset,
    AtomicJSONDataset,
    AtomicMatplotlibDataset,
    AtomicParquetDataset,
    AtomicTextDataset,
)
from mf_nas_kd.datasets.binary import BinaryDataset
from mf_nas_kd.datasets.evaluations import EvaluationStoreDataset, EvaluationTableDataset
from mf_nas_kd.datasets.images import ImagesDataset, PixelFolderDataset
from mf_nas_kd.datasets.network import NetworkDataset

__all__ = [
    "AtomicCSVDataset",
    "AtomicJSONDataset",
    "AtomicMatplotlibDataset",
    "AtomicParquetDataset",
    "AtomicTextDataset",
    "BinaryDataset",
    "EvaluationStoreDataset",
    "EvaluationTableDataset",
    "ImagesDataset",
    "NetworkDataset",
    "PixelFolderDataset",
]
