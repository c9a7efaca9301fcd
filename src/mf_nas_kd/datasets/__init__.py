"""Kedro datasets of the catalog: atomic files and folders, tensors with a header, the store, benchmarks as tables."""

from mf_nas_kd.datasets.atomic import (
    AtomicCSVDataset,
    AtomicJSONDataset,
    AtomicMatplotlibDataset,
    AtomicPageDataset,
    AtomicParquetDataset,
    AtomicTextDataset,
)
from mf_nas_kd.datasets.benchmarks import NASBench201Dataset, PublishedBenchmarkDataset, StudyBenchmarkDataset
from mf_nas_kd.datasets.binary import BinaryDataset
from mf_nas_kd.datasets.evaluations import (
    DeviceCostsTableDataset,
    EvaluationStoreDataset,
    EvaluationTableDataset,
    PlannedEvaluationsDataset,
    PrecomputedTargetsTableDataset,
)
from mf_nas_kd.datasets.files import FilesDataset
from mf_nas_kd.datasets.images import FolderDataset, ImagesDataset
from mf_nas_kd.datasets.network import NetworkDataset

__all__ = [
    "AtomicCSVDataset",
    "AtomicJSONDataset",
    "AtomicMatplotlibDataset",
    "AtomicPageDataset",
    "AtomicParquetDataset",
    "AtomicTextDataset",
    "BinaryDataset",
    "DeviceCostsTableDataset",
    "EvaluationStoreDataset",
    "EvaluationTableDataset",
    "FilesDataset",
    "FolderDataset",
    "ImagesDataset",
    "NASBench201Dataset",
    "NetworkDataset",
    "PlannedEvaluationsDataset",
    "PrecomputedTargetsTableDataset",
    "PublishedBenchmarkDataset",
    "StudyBenchmarkDataset",
]
