import os
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd.benchmarks.image_formats import IMAGE_FORMATS
from mf_nas_kd.benchmarks.nas_bench_201 import DATASETS, cell_cost, read_nas_bench_201
from mf_nas_kd.benchmarks.table import CANDIDATE_COLUMNS, EVALUATION_COLUMNS
from mf_nas_kd.errors import BenchmarkFileError
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import Architecture, Fidelity
from mf_nas_kd.spaces.nas_bench_201 import OPERATIONS, cell_of_operations
from mf_nas_kd.statistics.proxies import log_proxies

COLUMNS = [f"{prefix}_{rest}" for prefix in ("c10", "c100", "in16") for rest in ("val_ep12", "test_ep12", "test_ep200")]


def rows(count=4):
    rng = np.random.default_rng(0)
    cells = [cell_of_operations(rng.choice(OPERATIONS, size=6)) for _ in range(count)]
    table = pd.DataFrame({"arch": range(10, 10 + count), "cellstr": cells})
    return table.assign(**{name: 50.0 + place for place, name in enumerate(COLUMNS)})


def write(folder, table):
    path = folder / "nas_bench_201.csv"
    table.to_csv(path, index=False)
    return str(path)


def test_one_table_a_dataset(tmp_path):
    tables = read_nas_bench_201(write(tmp_path, rows()))
    assert [table.name for table in tables] == [f"{d} nas_bench_201" for d in ("cifar10", "cifar100", "imagenet16")]
    table = tables[1]
    assert tuple(table.candidates.columns) == CANDIDATE_COLUMNS
    assert tuple(table.evaluations.columns) == EVALUATION_COLUMNS
    assert list(table.candidates["index"]) == [10, 11, 12, 13]
    assert (table.searched, table.truth, table.low) == (Fidelity(1, 12), Fidelity(1, 200), ())
    short, long = table.at(table.searched), table.at(table.truth)
    assert set(short["val_accuracy"]) == {0.53}
    assert set(short["test_accuracy"]) == {0.54}
    assert set(short["cost_seconds"]) == {1.0}
    assert set(long["test_accuracy"]) == {0.55}
    assert long["val_accuracy"].isna().all()


@pytest.mark.parametrize("dataset", DATASETS)
def test_costs_from_five_networks_are_those_of_every_network(dataset):
    rng = np.random.default_rng(1)
    images = IMAGE_FORMATS[dataset]
    count, cost_of = CostCounter(images.classes, images.shape), cell_cost(dataset)
    for operations in (rng.choice(OPERATIONS, size=6) for _ in range(8)):
        architecture = Architecture.of(
            "nas_bench_201", stem=16, cells_per_stage=5, cell=cell_of_operations(list(operations))
        )
        assert cost_of(operations) == count(architecture)


def with_value(column, value, row=2):
    table = rows().astype({column: object})
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (rows().drop(columns=["cellstr", "in16_test_ep200"]), "list of columns is .* but must be one with cellstr, in16_test_ep200"),
        (rows().head(0), "number of rows is 0, but must be at least 1"),
        (with_value("arch", 1.5), "arch is 10.0, but must be a whole number in every row"),
        (with_value("c10_val_ep12", "many"), r"c10_val_ep12 of row 2 is 'many', but must be a percentage in \[0, 100\]"),
        (with_value("c100_test_ep12", np.nan), "c100_test_ep12 of row 2 is nan"),
        (with_value("in16_test_ep200", 100.1), "in16_test_ep200 of row 2 is 100.1"),
        (with_value("in16_test_ep200", -1.0), "in16_test_ep200 of row 2 is -1.0"),
        (with_value("in16_test_ep200", "inf"), "in16_test_ep200 of row 2 is inf"),
        (with_value("cellstr", "|none~0|"), r", row 2: cell is '\|none~0\|', but must be \|op~0\|"),
        (with_value("cellstr", np.nan), ", row 2: cell is 'nan', but must be"),
        (with_value("cellstr", rows()["cellstr"][0]), "cellstr of row 2 is .* but must be different from those of the rows before"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_one_error_that_says_where(tmp_path, table, message):
    path = write(tmp_path, table)
    with pytest.raises(BenchmarkFileError, match=message) as failure:
        read_nas_bench_201(path)
    assert str(failure.value).startswith(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,b\n1,2,3,4\n"', b"%PDF-1.5\n%\xd0\xd4\xc5"])
def test_a_foreign_file_is_one_error(tmp_path, content):
    path = tmp_path / "nas_bench_201.csv"
    path.write_bytes(content)
    with pytest.raises(BenchmarkFileError, match=r"nas_bench_201\.csv(:| is not a table of NAS-Bench-201)"):
        read_nas_bench_201(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a," * 2**22, "it has a line of 8,388,608 bytes, at most 20,000 are allowed"),
        (b"a,b\n" + b"1," * 2**22, "it has a line of 8,388,608 bytes"),
        (b'"\n",' * 2**20, "it has 1,048,577 columns, at most 1,000 are allowed"),
        (b"," * 1001, "it has 1,002 columns"),
        (b"a\n" * 2**24, "is too large for a benchmark"),
        (b'"' + b"x\n" * 2**20, "is not a table"),
        (b"\x00" * 10_000, "nas_bench_201.csv"),
    ],
)
def test_a_table_without_end_is_refused_before_it_is_read(tmp_path, content, message):
    path = tmp_path / "nas_bench_201.csv"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(BenchmarkFileError, match=message):
        read_nas_bench_201(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**29


def test_what_is_no_file_is_one_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (Path("/dev/zero"), "a device")):
        for url in (str(path), f"file://{path}"):
            with pytest.raises(BenchmarkFileError, match=f"cannot be read: .*it is {kind}, not a file"):
                read_nas_bench_201(url)


def test_a_missing_file_is_one_error(tmp_path):
    with pytest.raises(BenchmarkFileError, match="nowhere.csv is not there"):
        read_nas_bench_201(f"{tmp_path}/nowhere.csv")


@pytest.fixture(scope="module")
def tables():
    path = os.environ.get("MF_NAS_KD_NAS_BENCH_201")
    if not path or not Path(path).is_file():
        pytest.skip("MF_NAS_KD_NAS_BENCH_201 does not name the CSV file of NAS-Bench-201")
    return {table.dataset: table for table in read_nas_bench_201(path)}


@pytest.mark.parametrize(
    ("dataset", "best", "of_accuracy", "of_params"),
    [("cifar10", 94.37, 0.5945, 0.5778), ("cifar100", 73.51, 0.6451, 0.5534), ("imagenet16", 47.31, 0.6436, 0.5203)],
)
def test_the_whole_benchmark(tables, dataset, best, of_accuracy, of_params):
    from scipy.stats import kendalltau  # the project's own holds all pairs of 15,625 cells in memory

    table = tables[dataset]
    assert len(table.candidates) == 15_625
    truth = table.at(table.truth).set_index("architecture_id")["test_accuracy"]
    short = table.at(table.searched).set_index("architecture_id")["val_accuracy"]
    params = table.candidates.set_index("architecture_id")["params"]
    assert round(100 * truth.max(), 2) == best
    assert kendalltau(short[truth.index], truth).statistic == pytest.approx(of_accuracy, abs=5e-5)
    assert kendalltau(params[truth.index], truth).statistic == pytest.approx(of_params, abs=5e-5)


@pytest.mark.parametrize(("dataset", "expected"), [("cifar10", 0.6540), ("cifar100", 0.6282), ("imagenet16", 0.6075)])
def test_live_parameters_rank_all_cells(tables, dataset, expected):
    from scipy.stats import kendalltau

    table = tables[dataset]
    truth = table.at(table.truth).set_index("architecture_id")["test_accuracy"]
    ranks = log_proxies(table.candidates)["live_params"]
    found = kendalltau(ranks, truth[table.candidates["architecture_id"]]).statistic
    assert found == pytest.approx(expected, abs=5e-5)
