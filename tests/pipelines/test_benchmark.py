"""Searches replayed: on the study that was just made, on published files, on files that are not there."""

import pickle

import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError
from kedro.validation import ParameterValidationError
from scipy import stats

from mf_nas_kd.benchmarks.published import read_published
from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.pipelines.benchmark.nodes import correlate_tables
from mf_nas_kd.records.proxies import PROXY_LABELS
from mf_nas_kd.statistics import AddedValueSettings, CorrelationSettings
from tests.pipelines.running import catalog, run

STRATEGIES = {
    "random", "regularised_evolution", "successive_halving", "hyperband", "asynchronous_halving", "hf_gp",
    "lf_only", "two_stage", "two_stage_nst", "co_kriging", "hf_gp_proxies", "two_stage_proxies", "mf_kd", "mf_kd_high_only", "macs_order", "params_order",
}  # fmt: skip


@pytest.fixture(scope="module")
def replayed(study):
    run(study, "benchmark")
    return catalog(study)


def test_a_finished_study_is_a_benchmark(study, replayed):
    candidates = replayed.load("benchmark_candidates")
    assert list(candidates) == ["dataset", "space", "index", "architecture_id", "macs", "params"]
    assert candidates["architecture_id"].tolist() == replayed.load("candidates")["architecture_id"].tolist()
    searches = replayed.load("benchmark_search")
    orders = {f"{name}_order" for name in PROXY_LABELS if name != "live_macs"}  # which is of cells only
    assert set(searches["strategy"]) == STRATEGIES | orders
    assert set(searches["task"]) == {"all", "macs_75"}, "of 4 candidates, less than 3 are no task"
    assert (searches.groupby(["task", "strategy"]).size() == 2).all()
    summary = replayed.load("benchmark_search_summary")
    random = summary[(summary["task"] == "all") & (summary["strategy"] == "random")].iloc[0]
    of_random = searches[(searches["task"] == "all") & (searches["strategy"] == "random")]
    assert random["cost_to_target_seconds"] == pytest.approx(of_random["cost_to_target_seconds"].mean())
    assert random["reached_best"] == 1
    traces = replayed.load("benchmark_traces")
    assert traces.loc[traces["strategy"] == "random"].groupby(["task", "seed"])["regret_points"].min().eq(0).all()


def test_the_savings_of_a_study_are_those_of_its_benchmark_to_the_digit(replayed):
    savings, summary = replayed.load("savings"), replayed.load("benchmark_search_summary")
    of_entry = summary.set_index(["task", "strategy"])
    assert savings["task"].tolist() == ["all", "macs_75"]
    for row in savings.itertuples():
        for side, name in (("with", "mf_kd"), ("without", "mf_kd_high_only"), ("zero_cost", row.zero_cost)):
            for measure in ("cost_to_target_seconds", "cost_to_best_seconds"):
                expected = of_entry.loc[(row.task, name)]
                assert getattr(row, f"{measure}_{side}") == expected[measure]
                error = getattr(row, f"{measure}_{side}_standard_error")
                assert error == expected[f"{measure}_standard_error"]
    searches = replayed.load("benchmark_search").set_index(["task", "strategy", "seed"])["cost_to_target_seconds"]
    saved = searches[("all", "mf_kd_high_only")] - searches[("all", "mf_kd")]
    assert savings["saved_to_target_seconds"][0] == pytest.approx(saved.mean())
    assert savings["saved_to_target_seconds_standard_error"][0] == pytest.approx(saved.sem())


def test_the_savings_are_in_mlflow(replayed):
    (experiment,) = [e for e in mlflow.search_experiments() if e.name == "smoke"]
    runs = mlflow.search_runs([experiment.experiment_id], output_format="list")
    found = [
        run.data.metrics["saved_to_target_seconds.all"]
        for run in runs
        if "saved_to_target_seconds.all" in run.data.metrics
    ]
    assert found[-1:] == pytest.approx(replayed.load("savings")["saved_to_target_seconds"].tolist()[:1])


def test_its_correlations_are_those_of_the_study(replayed):
    ours, known = replayed.load("benchmark_correlation"), replayed.load("correlation_table")
    order = ["role", "distillation", "train_fraction"]
    pd.testing.assert_frame_equal(
        ours.sort_values(order, ignore_index=True)[known.columns], known.sort_values(order, ignore_index=True)
    )


def test_figures_of_merit_are_in_mlflow(replayed):
    (experiment,) = [e for e in mlflow.search_experiments() if e.name == "smoke"]
    runs = mlflow.search_runs([experiment.experiment_id], output_format="list")
    metrics = next(run.data.metrics for run in runs if any("all.random" in name for name in run.data.metrics))
    summary = replayed.load("benchmark_search_summary").set_index(["task", "strategy"]).loc[("all", "random")]
    name = f"cost_to_target_seconds.{summary['dataset']}.{summary['space']}.all.random"
    assert metrics[name] == pytest.approx(summary["cost_to_target_seconds"])


COUNT = 8
ARCHITECTURES = {
    "random_arcs_mobilenetv2.pickle": [
        [[1, 16, 1, 1], [6, 8 * n, 2, 2], [6, 8 * n, 1, 2], [0, 128, 1, 1]] for n in range(1, COUNT + 1)
    ],
    "random_arcs_shufflenetv2.pickle": [
        {"out_channels": [8 * n, 16 * n, 32 * n, 128], "num_blocks": [1, 2, 1]} for n in range(1, COUNT + 1)
    ],
}


@pytest.fixture(scope="module")
def published_files(tmp_path_factory):
    """Two spaces, of which only one has trainings with kd."""
    folder = tmp_path_factory.mktemp("published")
    rng = np.random.default_rng(0)

    def trainings(seconds):
        return {
            index: {
                "valid_acc": float(0.5 + 0.04 * index + 0.03 * rng.normal()),
                "test_acc": float(0.5 + 0.04 * index + 0.03 * rng.normal()),
                "wall_time": float(seconds * (1 + index / 10)),
            }
            for index in range(COUNT)
        }

    benchmark = {
        "cifar100": {
            "mobilenet": {"nokd": {27: trainings(60), 1: trainings(1600)}, "kd": {27: trainings(70)}},
            "shufflenet": {"nokd": {9: trainings(180), 27: trainings(60), 1: trainings(1600)}},
        }
    }
    for name, content in {"benchmark.pickle": benchmark, **ARCHITECTURES}.items():
        (folder / name).write_bytes(pickle.dumps(content))
    return folder, benchmark["cifar100"]


@pytest.fixture(scope="module")
def published_run(published_files, tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    folder, _ = published_files
    benchmark = {"seeds": 3, "workers": 2, "tasks": {"macs_25": None}}
    run(data, "benchmark", env="published", published_dir=str(folder), benchmark=benchmark)
    return data


def test_published_files_of_two_spaces(published_files, published_run, caplog):
    entries, (_, spaces) = catalog(published_run, env="published"), published_files
    correlation = entries.load("benchmark_correlation").set_index(["space", "distillation", "train_fraction"])
    for space, name in (("mobilenet_v2", "mobilenet"), ("shufflenet_v2", "shufflenet")):
        full, short = spaces[name]["nokd"][1], spaces[name]["nokd"][27]
        expected = stats.kendalltau(
            [short[i]["valid_acc"] for i in range(COUNT)], [full[i]["test_acc"] for i in range(COUNT)]
        )
        (found,) = [row for (s, d, f), row in correlation.iterrows() if (s, d) == (space, "none") and f < 0.1]
        assert found["kendall"] == pytest.approx(expected.statistic)
        assert (correlation.loc[space]["role"] == "free").sum() == 2
    searches = entries.load("benchmark_search")
    assert set(searches["space"]) == {"mobilenet_v2", "shufflenet_v2"}
    assert set(searches["task"]) == {"all", "macs_50", "macs_75"}, "a task may be left out"
    assert searches.loc[searches["strategy"] == "random", "cost_to_best_seconds"].notna().all()


def test_workers_do_not_change_results(published_files, published_run, tmp_path):
    folder, _ = published_files
    benchmark = {"seeds": 3, "workers": 1, "tasks": {"macs_25": None}}
    run(tmp_path, "benchmark", env="published", published_dir=str(folder), benchmark=benchmark)
    first, second = (
        catalog(data, env="published").load("benchmark_search").drop(columns="proposal_seconds")
        for data in (published_run, tmp_path)
    )
    pd.testing.assert_frame_equal(first, second)


def test_a_low_fidelity_that_a_table_lacks_is_replaced_by_its_cheapest(published_files, tmp_path, caplog):
    folder, _ = published_files
    only = dict.fromkeys(STRATEGIES - {"two_stage"})
    run(
        tmp_path, "benchmark", env="published", published_dir=str(folder),
        benchmark={"seeds": 1, "workers": 1, "strategies": only},
    )  # fmt: skip
    said = [record.getMessage() for record in caplog.records if "none of the low fidelities" in record.getMessage()]
    assert len(said) == 1, "once a table, not for each task and seed"
    assert "cifar100 shufflenet_v2" in said[0]
    assert "two_stage" in said[0]
    assert "1/27 of the images" in said[0]
    assert set(catalog(tmp_path, env="published").load("benchmark_search")["strategy"]) == {"two_stage"}


def test_published_files_that_are_not_there_are_one_clear_error(tmp_path):
    with pytest.raises(DatasetError, match=r"published_dir"):
        run(tmp_path, "benchmark", env="published")
    with pytest.raises(DatasetError, match=r"nas_bench_201_csv"):
        run(tmp_path, "benchmark", env="nas_bench_201_table")
    with pytest.raises(DatasetError, match=r"nowhere.*benchmark.pickle"):
        run(tmp_path, "benchmark", env="published", published_dir=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"seeds": 0}, r"benchmark.seeds is 0, but must be greater than 0"),
        ({"tasks": {"all": 25}}, r"benchmark.tasks.all is 25, but must be less than or equal to 1"),
        ({"strategies": {"random": {"strategy": "best"}}}, r"strategies.random.strategy is 'best', but .* one of: .*random"),
        ({"strategies": {"hf_gp": {"options": {"luck": 1}}}}, r"benchmark.strategies.hf_gp.options.luck \(1\) is not a para"),
        ({"strategies": {"two_stage": {"low": {"distilation": "kd"}}}}, r"distilation \('kd'\) .*; did you mean .*low.distillation"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused(tmp_path, parameters, message):
    with pytest.raises(ParameterValidationError, match=message):
        run(tmp_path, "benchmark", benchmark=parameters)


def test_a_misspelt_parameter_is_refused(tmp_path):
    with pytest.raises(
        InvalidValueError, match=r"published_folder \('x'\) is not a parameter: .*; did you mean published_dir"
    ):
        run(tmp_path, "benchmark", env="published", published_folder="x")


PUBLISHED = {
    ("none", 27): (0.107, 0.091),
    ("none", 9): (0.464, 0.302),
    ("none", 3): (0.864, 0.690),
    ("kd", 27): (0.335, 0.234),
    ("kd", 9): (0.601, 0.425),
    ("kd", 3): (0.925, 0.739),
    ("attention", 27): (0.576, 0.393),
    ("attention", 9): (0.606, 0.393),
    ("attention", 3): (0.737, 0.536),
    ("nst", 27): (0.427, 0.298),
    ("nst", 9): (0.602, 0.445),
    ("nst", 3): (0.801, 0.623),
    ("proxy:macs", 0): (0.748, 0.516),
}
"""Pearson and Kendall with full training on CIFAR-100, MobileNetV2, by method and divisor of the training set."""


def test_the_published_correlations(published):
    tables = [table for table in read_published(str(published)) if table.name == "cifar100 mobilenet_v2"]
    added = AddedValueSettings(permutations=9, level=0.05, power=0.8)
    settings = CorrelationSettings(resamples=1, level=0.95, seed=0, added_value=added)
    found = correlate_tables(tuple(tables), settings)
    divisors = (1 / found["train_fraction"]).replace(np.inf, 0).round().astype(int)
    found = found.set_index([found["distillation"], divisors])[["pearson", "kendall"]]
    for kind, expected in PUBLISHED.items():
        assert tuple(found.loc[kind].round(3)) == expected, kind
