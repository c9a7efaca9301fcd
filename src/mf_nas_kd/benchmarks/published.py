"""Reader of the published benchmark: accuracies and wall times of MobileNetV2 and ShuffleNetV2 networks.

References:
    Trofimov et al. (2020). Multi-fidelity Neural Architecture Search with Knowledge Distillation. arXiv 2006.08341, and
    the files ``benchmark.pickle``, ``random_arcs_mobilenetv2.pickle`` and ``random_arcs_shufflenetv2.pickle`` of its
    repository, github.com/IlyaTrofimov/MF_NAS_KD.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import pandas as pd

from mf_nas_kd.benchmarks.files import naming, read_bytes
from mf_nas_kd.benchmarks.image_formats import IMAGE_FORMATS
from mf_nas_kd.benchmarks.plain_pickle import plain_value
from mf_nas_kd.benchmarks.table import BenchmarkTable, cheapest_first
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import FIDELITY_COLUMNS, Architecture
from mf_nas_kd.records.fidelity import LARGEST_DENOMINATOR, Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.records.tables import candidate_table
from mf_nas_kd.spaces.published import PUBLISHED_SPACES

logger = logging.getLogger(__name__)

BENCHMARK = "benchmark.pickle"

LISTS: Mapping[str, str] = {
    "mobilenet": "random_arcs_mobilenetv2.pickle",
    "shufflenet": "random_arcs_shufflenetv2.pickle",
}
"""File with the list of architectures of each space."""

CHECKSUMS: Mapping[str, str] = {
    BENCHMARK: "a9c1773d185a8b5d3edecc7cb536200727a016ee151ffdb3f53031fdbc5d6082",
    LISTS["mobilenet"]: "78cb8e5d7c607ce0169a9a83a78ece97115282f6d8019c8bb4f1fc4b46f5f4d9",
    LISTS["shufflenet"]: "83d52799c80d02f5d3497081cff687cbcceddaee5afd702bd8729c8cba55a5f3",
}
"""SHA-256 of the files with which this reader was developed, in their original format.

They were not compared with the repository byte by byte. This ``benchmark.pickle`` holds MobileNetV2 only; a file that
holds ShuffleNetV2 as well is reported as different.
"""

EPOCHS = 100
"""Number of epochs of every training, by convention: the files do not contain it.

It is the same for all trainings: on CIFAR-100 the mean wall time without distillation, 89, 210, 573 and 1662 s, grows
linearly with the training-set fraction (1633 s for the whole set, plus 29 s).
"""

FULL = Fidelity(Fraction(1), epochs=EPOCHS)
PLAIN = "nokd"
"""Name of trainings without distillation in the files."""

TrainingKey = tuple[str, int, int]
"""Method, divisor of the training set, and index in the list of architectures."""

Measured = tuple[float, float, float]
"""Validation accuracy, test accuracy, and wall time in seconds."""

FIELDS: tuple[tuple[str, Callable[[float], bool], str], ...] = (
    ("valid_acc", lambda value: 0 <= value <= 1, "a number in [0, 1]"),
    ("test_acc", lambda value: 0 <= value <= 1, "a number in [0, 1]"),
    ("wall_time", lambda value: 0 < value <= sys.float_info.max, "a finite number of seconds above 0"),
)
"""Name, check and description of the allowed values of each field, in the order of ``Measured``."""


def read_published(folder: str) -> tuple[BenchmarkTable, ...]:
    """Read the tables of the published benchmark, one per dataset and space with high-fidelity evaluations.

    The candidates are the networks with a high-fidelity evaluation (method ``nokd``, divisor 1 of the training set).
    Parts without any, and parts of unknown spaces or datasets, are left out with a warning. Methods may have any name,
    and training sets any divisor.

    Args:
        folder: Folder of the files: a local folder, or a URL of any protocol of fsspec. The list of a space is read
            only if the benchmark has high-fidelity evaluations of the space.

    Raises:
        BenchmarkFileError: If a file does not exist, is damaged, or has other contents, or no part can be used.
    """
    folder = folder.rstrip("/")
    lists: dict[str, list[Any]] = {}
    tables = []
    with naming(f"{folder}/{BENCHMARK}"):
        for dataset, space, methods in _known_parts(_read(folder, BENCHMARK)):
            trainings = _trainings(methods, f"{dataset}/{space}")
            if not any((method, divisor) == (PLAIN, 1) for method, divisor, _ in trainings):
                _log_left_out(dataset, space, f"it has no high-fidelity evaluation ({PLAIN}/1)")
                continue
            if space not in lists:
                lists[space] = _list(folder, space)
            _require_listed(trainings, len(lists[space]), f"{dataset}/{space}")
            convert = partial(PUBLISHED_SPACES[space], imagenet_form=IMAGE_FORMATS[dataset].imagenet_form)
            architectures = _candidates(trainings, lists[space], convert, f"{folder}/{LISTS[space]}")
            tables.append(_table(dataset, trainings, architectures))
        if not tables:
            allowed = (
                f"high-fidelity evaluations ({PLAIN}/1) of one of the spaces {', '.join(PUBLISHED_SPACES)} on one of "
                f"the datasets {', '.join(IMAGE_FORMATS)}"
            )
            raise InvalidValueError("the usable part of the benchmark", None, allowed)
    return tuple(tables)


def _read(folder: str, name: str) -> Any:
    """The value in a file; the log says whether it is the published file."""
    content = read_bytes(f"{folder}/{name}")
    checksum, published = hashlib.sha256(content).hexdigest(), CHECKSUMS[name]
    if checksum == published:
        logger.info("%s matches the published file", name)
    else:
        logger.info("%s differs from the published file (sha256 %s instead of %s)", name, checksum, published)
    return plain_value(content, f"{folder}/{name}")


def _list(folder: str, space: str) -> list[Any]:
    """The list of architectures of a space, unconverted."""
    networks = _read(folder, LISTS[space])
    if not isinstance(networks, list):
        with naming(f"{folder}/{LISTS[space]}"):
            raise InvalidValueError("the list of architectures", networks, "a list")
    return networks


def _known_parts(benchmark: Any) -> Iterator[tuple[str, str, Any]]:
    """Dataset, space and methods of each part whose dataset and space are known; others are logged."""
    for dataset, spaces in _entries(benchmark, "the benchmark", str):
        for space, methods in _entries(spaces, dataset, str):
            if dataset not in IMAGE_FORMATS:
                _log_left_out(dataset, space, f"datasets with known images are {', '.join(IMAGE_FORMATS)}")
            elif space not in PUBLISHED_SPACES:
                _log_left_out(dataset, space, f"known spaces are {', '.join(PUBLISHED_SPACES)}")
            else:
                yield dataset, space, methods


def _log_left_out(dataset: str, space: str, reason: str) -> None:
    logger.warning("%s/%s of the benchmark is left out: %s", dataset, space, reason)


def _trainings(methods: Any, part: str) -> dict[TrainingKey, Measured]:
    """The measured values of all trainings of a part.

    Args:
        methods: Trainings by method, divisor and index.
        part: Path of the part in the file, for messages.
    """
    found: dict[TrainingKey, Measured] = {}
    for method, divisors in _entries(methods, part, str):
        for divisor, networks in _entries(divisors, f"{part}/{method}", int):
            if divisor == 0:
                raise InvalidValueError(f"a divisor of {part}/{method}", divisor, "1 or more")
            path = f"{part}/{method}/{divisor}"
            for index, fields in _entries(networks, path, int):
                found[method, divisor, index] = _measured(fields, f"{path}/{index}")
    return found


def _measured(fields: Any, path: str) -> Measured:
    """The measured values of a training, checked.

    Args:
        fields: The entry of the training.
        path: Path of the entry in the file, for messages.
    """
    values = dict(_entries(fields, path, str))
    for name, in_range, allowed in FIELDS:
        if name not in values:
            raise InvalidValueError(path, values, f"a dictionary with {', '.join(name for name, *_ in FIELDS)}")
        if type(values[name]) not in (int, float) or not in_range(values[name]):
            raise InvalidValueError(f"{path}/{name}", values[name], allowed)
    validation, test, seconds = (float(values[name]) for name, *_ in FIELDS)
    return validation, test, seconds


def _entries(value: Any, path: str, kind: type[str] | type[int]) -> Iterable[tuple[Any, Any]]:
    """The entries of a dictionary whose keys are texts or counts.

    Args:
        value: The value that must be such a dictionary.
        path: Path of the value in the file, for messages.
        kind: Type of the keys.
    """
    keys = "texts" if kind is str else f"whole numbers in [0, {LARGEST_DENOMINATOR}]"
    if not isinstance(value, dict):
        raise InvalidValueError(path, value, f"a dictionary whose keys are {keys}")
    for key in value:
        in_range = not isinstance(key, int) or 0 <= key <= LARGEST_DENOMINATOR
        if type(key) is not kind or not in_range:
            raise InvalidValueError(f"a key of {path}", key, f"one of {keys}")
    return value.items()


def _require_listed(trainings: Iterable[TrainingKey], count: int, part: str) -> None:
    """Refuse trainings of architectures that are not in the list."""
    for method, divisor, index in trainings:
        if not 0 <= index < count:
            allowed = f"in [0, {count - 1}], the indices of the list of architectures"
            raise InvalidValueError(f"an index of {part}/{method}/{divisor}", index, allowed)


def _candidates(
    trainings: Iterable[TrainingKey], networks: list[Any], convert: Callable[[Any], Architecture], url: str
) -> dict[int, Architecture]:
    """The architectures with a high-fidelity evaluation, by their indices in the list."""
    found: dict[int, Architecture] = {}
    for index in sorted(index for method, divisor, index in trainings if (method, divisor) == (PLAIN, 1)):
        with naming(f"{url}, entry {index}"):
            architecture = convert(networks[index])
            if architecture in found.values():
                raise InvalidValueError("its network", networks[index], "different from those of the entries before")
        found[index] = architecture
    return found


def _distillation(method: str) -> str:
    return FULL.distillation if method == PLAIN else method


def _table(
    dataset: str, trainings: Mapping[TrainingKey, Measured], architectures: Mapping[int, Architecture]
) -> BenchmarkTable:
    images = IMAGE_FORMATS[dataset]
    candidates = candidate_table(architectures.values(), CostCounter(images.classes, images.shape))
    candidates.insert(0, "index", list(architectures))
    rows = [
        (
            architectures[index].id,
            *replace(FULL, train_fraction=Fraction(1, divisor), distillation=_distillation(method)).to_row().values(),
            *measured,
        )
        for (method, divisor, index), measured in trainings.items()
        if index in architectures
    ]
    columns = ["architecture_id", *FIDELITY_COLUMNS, ACCURACY.validation, ACCURACY.test, "cost_seconds"]
    evaluations = pd.DataFrame(rows, columns=columns)
    return BenchmarkTable(
        dataset=dataset,
        space=candidates["space"].iloc[0],
        candidates=candidates,
        evaluations=evaluations,
        searched=FULL,
        truth=FULL,
        low=cheapest_first(evaluations, FULL),
    )
