import hashlib
import logging
import math
import pickle
from fractions import Fraction
from pathlib import Path

import fsspec
import numpy as np
import pytest

from mf_nas_kd.benchmarks import files, published
from mf_nas_kd.benchmarks.published import read_published
from mf_nas_kd.benchmarks.table import CANDIDATE_COLUMNS, EVALUATION_COLUMNS
from mf_nas_kd.errors import BenchmarkFileError
from mf_nas_kd.networks import build_network, network_cost
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.records import Architecture, Fidelity
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.spaces.published import PUBLISHED_SPACES
from mf_nas_kd.statistics import BootstrapSettings, rank_agreement
from tests.published import MOBILENETS, SHUFFLENETS, measured, tiny_benchmark, write

FULL = Fidelity(Fraction(1), 100)


def fidelity(divisor, distillation="none"):
    return Fidelity(Fraction(1, divisor), 100, distillation=distillation)


def test_one_table_a_space_with_full_trainings(tmp_path):
    mobile, shuffle = read_published(write(tmp_path))
    assert (mobile.name, shuffle.name) == ("cifar100 mobilenet_v2", "cifar100 shufflenet_v2")
    assert tuple(mobile.candidates.columns) == CANDIDATE_COLUMNS
    assert tuple(mobile.evaluations.columns) == EVALUATION_COLUMNS
    assert list(mobile.candidates["index"]) == [0, 1, 2, 3]
    assert records_of(mobile.candidates, Architecture) == [
        PUBLISHED_SPACES["mobilenet"](entry) for entry in MOBILENETS[:4]
    ]
    assert records_of(shuffle.candidates, Architecture) == [
        PUBLISHED_SPACES["shufflenet"](entry) for entry in SHUFFLENETS[:2]
    ]
    assert mobile.searched == mobile.truth == FULL
    assert shuffle.low == ()


def test_measurements_are_at_their_fidelities_and_networks(tmp_path):
    table = read_published(write(tmp_path))[0]
    ids = dict(zip(table.candidates["index"], table.candidates["architecture_id"], strict=True))
    row = table.at(fidelity(9, "kd")).set_index("architecture_id").loc[ids[2]]
    assert (row["val_accuracy"], row["test_accuracy"], row["cost_seconds"]) == (0.2, 0.2 + 0.01, 7.0)
    assert set(table.at(fidelity(27))["architecture_id"]) == set(ids.values()), (
        "the fifth has no high-fidelity evaluation"
    )


def test_low_fidelities_are_in_the_order_of_their_prices(tmp_path):
    table = read_published(write(tmp_path))[0]
    assert table.low == (fidelity(27), fidelity(27, "kd"), fidelity(5, "a_new_method"), fidelity(9, "kd"))


def test_costs_are_those_of_the_networks(tmp_path):
    for table in read_published(write(tmp_path)):
        row = table.candidates.iloc[-1]
        with torch_seeded(0, "test"):
            network = build_network(records_of(table.candidates, Architecture)[-1], classes=100, image_channels=3)
        cost = network_cost(network, (3, 32, 32))
        assert (row["macs"], row["params"]) == (cost.macs, cost.params)


def test_a_folder_can_be_a_url(tmp_path):
    write(tmp_path)
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path), "/published", recursive=True)
    try:
        assert read_published("memory://published/")[0].evaluations.equals(read_published(str(tmp_path))[0].evaluations)
    finally:
        memory.rm("/published", recursive=True)
    with pytest.raises(BenchmarkFileError, match=r"memory://published/benchmark\.pickle is not there"):
        read_published("memory://published")


def test_each_file_is_reported_as_the_published_one_or_another(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    write(tmp_path)
    lists = (tmp_path / "random_arcs_mobilenetv2.pickle").read_bytes()
    sums = {**published.CHECKSUMS, "random_arcs_mobilenetv2.pickle": hashlib.sha256(lists).hexdigest()}
    monkeypatch.setattr(published, "CHECKSUMS", sums)
    read_published(str(tmp_path))
    mine = hashlib.sha256((tmp_path / "benchmark.pickle").read_bytes()).hexdigest()
    assert f"benchmark.pickle differs from the published file (sha256 {mine} instead of " in caplog.text
    assert "random_arcs_mobilenetv2.pickle matches the published file" in caplog.text


def left_out(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_a_part_without_high_fidelity_evaluations_is_left_out_and_needs_no_list(tmp_path, caplog):
    benchmark = tiny_benchmark()
    benchmark["cifar100"]["shufflenet"] = {"nokd": {9: {0: measured(0.5)}, 1: {}}}
    benchmark["imagenet"] = {"mobilenet": {}, "shufflenet": {}}
    tables = read_published(write(tmp_path, benchmark, shufflenet=None))
    assert [table.name for table in tables] == ["cifar100 mobilenet_v2"]
    parts = ("cifar100/shufflenet", "imagenet/mobilenet", "imagenet/shufflenet")
    assert left_out(caplog) == [
        f"{part} of the benchmark is left out: it has no high-fidelity evaluation (nokd/1)" for part in parts
    ]


def test_unknown_spaces_and_datasets_are_left_out(tmp_path, caplog):
    benchmark = tiny_benchmark()
    benchmark["cifar100"]["resnet"] = benchmark["svhn"] = {"mobilenet": {}}
    assert len(read_published(write(tmp_path, benchmark))) == 2
    assert left_out(caplog) == [
        "cifar100/resnet of the benchmark is left out: known spaces are mobilenet, shufflenet",
        "svhn/mobilenet of the benchmark is left out: datasets with known images are cifar10, cifar100, imagenet, imagenet16",
    ]


def changed(*path_and_value):
    *path, last, value = path_and_value
    benchmark = entry = tiny_benchmark()
    for key in path:
        entry = entry[key]
    entry[last] = value
    return benchmark


MOBILENET = ("cifar100", "mobilenet")
ACCURACY = (*MOBILENET, "kd", 9, 2, "valid_acc")


@pytest.mark.parametrize(
    ("benchmark", "message"),
    [
        ([1, 2], r"the benchmark is \[1, 2\], but must be a dictionary whose keys are texts"),
        ({1: {}}, "a key of the benchmark is 1, but must be one of texts"),
        ({}, "the usable part of the benchmark is None, but must be high-fidelity evaluations"),
        ({"cifar100": {}}, "the usable part of the benchmark is None, but must be high-fidelity evaluations"),
        ({"cifar100": {"resnet": {"nokd": {1: {}}}}}, "one of the spaces mobilenet, shufflenet on one of the datasets"),
        (changed("cifar100", 7), "cifar100 is 7, but must be a dictionary"),
        (
            changed(*MOBILENET, "kd", None),
            r"cifar100/mobilenet/kd is None, but must be a dictionary whose keys are whole numbers in \[0, 1000000\]",
        ),
        (changed(*MOBILENET, "kd", 0, {}), "a divisor of cifar100/mobilenet/kd is 0, but must be 1 or more"),
        (changed(*MOBILENET, "kd", 10**5000, {}), "a key of cifar100/mobilenet/kd is a int too long to show"),
        (changed(*MOBILENET, "kd", 1.5, {}), "a key of cifar100/mobilenet/kd is 1.5, but must be one of whole numbers"),
        (
            changed(*MOBILENET, "kd", True, {}),
            "a key of cifar100/mobilenet/kd is True, but must be one of whole numbers",
        ),
        (changed(*MOBILENET, "kd", 9, []), r"cifar100/mobilenet/kd/9 is \[\], but must be a dictionary"),
        (
            changed(*MOBILENET, "kd", 9, 5, measured(0.5)),
            r"an index of cifar100/mobilenet/kd/9 is 5, but must be in \[0, 4\]",
        ),
        (
            changed(*MOBILENET, "nokd", 1, -1, measured(0.5)),
            "a key of cifar100/mobilenet/nokd/1 is -1, but must be one of whole numbers",
        ),
        (changed(*MOBILENET, "kd", 9, 2, 0.5), "cifar100/mobilenet/kd/9/2 is 0.5, but must be a dictionary"),
        (
            changed(*MOBILENET, "kd", 9, 2, {"test_acc": 0.5}),
            "kd/9/2 is .* but must be a dictionary with valid_acc, test_acc",
        ),
        (changed(*ACCURACY, math.nan), r"cifar100/mobilenet/kd/9/2/valid_acc is nan, but must be a number in \[0, 1\]"),
        (changed(*ACCURACY, math.inf), "valid_acc is inf"),
        (changed(*ACCURACY, 1.01), "valid_acc is 1.01"),
        (changed(*ACCURACY, -0.01), "valid_acc is -0.01"),
        (changed(*ACCURACY, True), "valid_acc is True"),
        (changed(*ACCURACY, "0.5"), "valid_acc is '0.5'"),
        (changed(*ACCURACY, 10**5000), "valid_acc is a int too long to show"),
        (
            changed(*MOBILENET, "kd", 9, 2, "test_acc", 67.2),
            r"kd/9/2/test_acc is 67.2, but must be a number in \[0, 1\]",
        ),
        (
            changed(*MOBILENET, "kd", 9, 2, "wall_time", -1.0),
            "wall_time is -1.0, but must be a finite number of seconds above 0",
        ),
        (changed(*MOBILENET, "kd", 9, 2, "wall_time", 0), "wall_time is 0,"),
        (changed(*MOBILENET, "kd", 9, 2, "wall_time", math.nan), "wall_time is nan,"),
        (changed(*MOBILENET, "kd", 9, 2, "wall_time", math.inf), "wall_time is inf,"),
        (changed(*MOBILENET, "kd", 9, 2, "wall_time", 10**400), "wall_time is 1000"),
        (
            changed(*MOBILENET, "none", {27: {0: measured(0.1)}}),
            "evaluations of .* at one fidelity is 'more than one', but must be one",
        ),
    ],
)
def test_a_wrong_table_is_one_error_that_says_where(tmp_path, benchmark, message):
    with pytest.raises(BenchmarkFileError, match=message) as failure:
        read_published(write(tmp_path, benchmark))
    assert str(failure.value).startswith(f"{tmp_path}/benchmark.pickle: ")
    assert len(str(failure.value)) < 1500


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ({0: MOBILENETS[0]}, r": the list of architectures is \{0: .* but must be a list"),
        (
            [*MOBILENETS[:2], [[1, 8]], *MOBILENETS[3:]],
            r", entry 2: published mobilenet is \[\[1, 8\]\], but must be rows",
        ),
        ([*MOBILENETS[:3], MOBILENETS[0], MOBILENETS[4]], ", entry 3: its network is .* but must be different from"),
    ],
)
def test_a_wrong_list_is_one_error_that_says_where(tmp_path, networks, message):
    with pytest.raises(BenchmarkFileError, match=rf"random_arcs_mobilenetv2\.pickle{message}"):
        read_published(write(tmp_path, mobilenet=networks))


def test_an_entry_without_high_fidelity_evaluation_is_not_read(tmp_path):
    assert read_published(write(tmp_path, mobilenet=[*MOBILENETS[:4], "not written yet"]))


def test_a_missing_list_is_one_error(tmp_path):
    with pytest.raises(BenchmarkFileError, match=r"random_arcs_shufflenetv2\.pickle is not there"):
        read_published(write(tmp_path, shufflenet=None))


def test_a_foreign_or_truncated_file_is_one_error(tmp_path):
    write(tmp_path)
    file = tmp_path / "benchmark.pickle"
    for content in (file.read_bytes()[:-20], b"hello", pickle.dumps(Path("."))):
        file.write_bytes(content)
        with pytest.raises(BenchmarkFileError, match=r"benchmark\.pickle is damaged, or not a file of the benchmark"):
            read_published(str(tmp_path))


def test_what_cannot_be_read_is_one_error_without_the_password(tmp_path, monkeypatch):
    with pytest.raises(
        BenchmarkFileError, match=r"nothing://x/benchmark\.pickle cannot be read: ValueError: Protocol not known"
    ):
        read_published("nothing://x")
    with pytest.raises(BenchmarkFileError, match=r"http://me:\*\*\*@127\.0\.0\.1:1/x/benchmark.pickle ") as failure:
        read_published("http://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(failure.value)
    (tmp_path / "benchmark.pickle").mkdir()
    with pytest.raises(BenchmarkFileError, match="cannot be read: IsADirectoryError"):
        read_published(str(tmp_path))


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_FILE_BYTES", 50)
    with pytest.raises(BenchmarkFileError, match="is too large for a benchmark: at most 50 bytes are read"):
        read_published(write(tmp_path))


@pytest.fixture(scope="module")
def tables(published):
    return {table.name: table for table in read_published(str(published))}


@pytest.fixture(scope="module")
def cifar100(tables):
    return tables["cifar100 mobilenet_v2"]


def test_the_published_tables(tables, cifar100):
    macs = cifar100.candidates["macs"]
    assert (len(macs), macs.min(), macs.max()) == (100, 11_913_472, 182_748_832)
    assert len(cifar100.low) == 30
    assert cifar100.at(cifar100.searched)["cost_seconds"].mean() == pytest.approx(1662, abs=1)
    imagenet = tables["imagenet mobilenet_v2"]
    assert len(imagenet.candidates) == 11
    assert imagenet.low == (fidelity(27), fidelity(27, "kd"))


def test_means_that_the_published_notebook_prints(cifar100):
    assert cifar100.at(fidelity(27))["test_accuracy"].mean() == pytest.approx(0.133907, abs=1e-9)
    assert cifar100.at(fidelity(27, "kd"))["test_accuracy"].mean() == pytest.approx(0.228902, abs=1e-9)


FEW = BootstrapSettings(resamples=1, level=0.9, seed=0)


@pytest.mark.parametrize(
    ("distillation", "divisor", "pearson", "kendall"),
    [
        ("none", 27, 0.107, 0.091),
        ("none", 9, 0.464, 0.302),
        ("none", 3, 0.864, 0.690),
        ("kd", 27, 0.335, 0.234),
        ("kd", 9, 0.601, 0.425),
        ("kd", 3, 0.925, 0.739),
        ("attention", 27, 0.576, 0.393),
        ("attention", 9, 0.606, 0.393),
        ("attention", 3, 0.737, 0.536),
        ("nst", 27, 0.427, 0.298),
        ("nst", 9, 0.602, 0.445),
        ("nst", 3, 0.801, 0.623),
    ],
)
def test_the_published_correlations(cifar100, distillation, divisor, pearson, kendall):
    short = cifar100.at(fidelity(divisor, distillation))
    both = short.merge(cifar100.at(cifar100.truth), on="architecture_id", suffixes=("", "_full"))
    agreement = rank_agreement(both["val_accuracy"], both["test_accuracy_full"], None, FEW)
    assert agreement.n == 100
    assert (round(agreement.pearson.value, 3), round(agreement.kendall.value, 3)) == (pearson, kendall)


def test_the_correlation_of_operations_alone(cifar100):
    both = cifar100.candidates.merge(cifar100.at(cifar100.truth), on="architecture_id")
    agreement = rank_agreement(np.log(both["macs"]), both["test_accuracy"], None, FEW)
    assert (round(agreement.pearson.value, 3), round(agreement.kendall.value, 3)) == (0.748, 0.516)
