"""The whole flow on real images, small."""

import json

import mlflow
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from scipy import stats

from mf_nas_kd.distillation import LOSSES
from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.networks import rebuild
from mf_nas_kd.records import Metrics
from mf_nas_kd.records.costs import ON_DEVICE
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.records.proxies import PROXY_LABELS
from mf_nas_kd.search.loop import TRACE_COLUMNS
from tests.pipelines.running import catalog, run

METHODS = {*LOSSES, "kd_standardised"}
"""The smoke environment trains with every loss once."""


@pytest.fixture
def joined(entries):
    """Low- and high-fidelity evaluations of each candidate side by side, from the store alone."""
    rows = entries.load("evaluation_plan")[["key", "role"]].merge(entries.load("evaluations"), on="key")
    low, full = rows[rows["role"] == "low"], rows[rows["role"] == "full"]
    return low.merge(full, on="architecture_id", suffixes=("", "_full"))


def test_every_kind_of_training_is_there(entries):
    plan, evaluations = entries.load("evaluation_plan"), entries.load("evaluations")
    assert set(plan["key"]) <= set(evaluations["key"])
    kinds = plan[plan["role"] == "low"].groupby(["train_fraction", "distillation"]).size()
    assert {method for _, method in kinds.index} == METHODS
    assert len(kinds) == len(METHODS)
    assert (kinds == len(entries.load("candidates"))).all()
    assert (evaluations["status"] == "finished").all()
    assert evaluations["cost_seconds"].gt(0).all()


def test_the_correlations_are_those_of_the_store(entries, joined):
    table = entries.load("correlation_table").set_index(["distillation", "train_fraction"])
    for (method, fraction), rows in joined.groupby(["distillation", "train_fraction"]):
        found = table.loc[(method, fraction)]
        expected = stats.kendalltau(rows["val_accuracy"], rows["test_accuracy_full"])[0]
        np.testing.assert_allclose(found["kendall"], expected, atol=1e-9)
        np.testing.assert_allclose(
            found["pearson"], stats.pearsonr(rows["val_accuracy"], rows["test_accuracy_full"])[0], atol=1e-9
        )
        np.testing.assert_allclose(
            found["relative_cost"], rows["cost_seconds"].mean() / rows["cost_seconds_full"].mean(), rtol=1e-9
        )
        assert found["n"] == len(rows)
    fractions = {round(f, 6) for m, f in table.index if m in METHODS}
    assert fractions == {round(1 / 27, 6), 1.0}
    for name in ("macs", "params"):
        full = joined.drop_duplicates("architecture_id")
        expected = stats.kendalltau(full[name], full["test_accuracy_full"])[0]
        np.testing.assert_allclose(table.loc[(f"proxy:{name}", 0.0), "kendall"], expected, atol=1e-9)


def test_zero_cost_proxies_are_tables_of_the_evaluation_and_the_correlation_stage(entries):
    candidates, proxies, table = (entries.load(f) for f in ("candidates", "candidate_proxies", "proxy_table"))
    computed = [name for name in PROXY_LABELS if name != "live_macs"]
    assert proxies["architecture_id"].tolist() == candidates["architecture_id"].tolist()
    assert set(proxies) == {"architecture_id", *computed, *(f"{name}_seconds" for name in computed)}
    assert proxies.notna().all(axis=None)
    assert table["proxy"].tolist() == ["macs", "params", *computed]
    assert not table["accepted"].any(), "four candidates tell nothing"
    assert list(entries.load("pool_proxies")) == ["architecture_id"]
    assert entries.load("search_outcome")["proxies"] == []
    report = entries.load("report")
    assert "NASWOT" in report
    assert "a zero-cost proxy adds to MACs and parameters cannot be told from 4 candid" in report


def test_the_search_stays_in_budget_and_says_why(entries):
    trace, winner = entries.load("search_trace"), entries.load("winner")
    assert list(trace.columns) == list(TRACE_COLUMNS)
    assert 1 <= len(trace) <= 5
    assert trace["reason"].str.len().min() > 20
    full = entries.load("full_trainings")
    found = entries.load("search_outcome")["architecture_id"]
    assert found == full.loc[full["val_accuracy"].idxmax(), "architecture_id"]
    assert winner["architecture_id"] in set(full["architecture_id"])
    assert set(entries.load("pareto_front").columns) == {
        "architecture_id", "macs", "params", *column_names(Metrics), *ON_DEVICE
    }  # fmt: skip
    assert entries.load("latency_pareto_front")["latency_ms"].is_monotonic_increasing
    measured = entries.load("final_device_costs")
    assert set(measured["name"]) == set(entries.load("final_trainings")["name"]) - {"teacher"}
    assert (measured["latency_low_ms"] <= measured["latency_ms"]).all()


def test_the_outcome_says_why_the_search_ended_and_what_its_evaluations_cost(entries):
    trace, outcome = entries.load("search_trace"), entries.load("search_outcome")
    low = trace[trace["train_fraction"] < 1]
    assert outcome["low_fidelity_evaluations"] == len(low)
    assert outcome["high_fidelity_evaluations"] == len(trace) - len(low)
    assert outcome["low_fidelity_seconds"] == pytest.approx(low["cost_seconds"].sum())
    assert outcome["low_fidelity_seconds"] + outcome["high_fidelity_seconds"] == pytest.approx(outcome["spent_seconds"])
    assert outcome["ended"] == "the budget of 5 evaluations is used up" or "does not afford" in outcome["ended"]
    assert outcome["winner_known_before"] == (outcome["winner_step"] == 0)
    winner = entries.load("winner")
    assert {name: winner[name] for name in outcome if name != "architecture_id"} == {
        name: value for name, value in outcome.items() if name != "architecture_id"
    }


def test_the_winner_is_trained_saved_and_exported(entries):
    winner, images, trainings = (entries.load(name) for name in ("winner", "images", "final_trainings"))
    own = trainings[trainings["chosen"] & (trainings["architecture_id"] == winner["architecture_id"])]
    assert winner["val_accuracy"] == own["val_accuracy"].max(), "validation accuracy chooses the seed"
    assert winner["test_accuracy_mean"] == pytest.approx(own["test_accuracy"].mean())
    assert winner["test_accuracy_low"] <= winner["test_accuracy_mean"] <= winner["test_accuracy_high"]
    session = onnxruntime.InferenceSession(entries.load("winner_model_onnx"))
    (logits,) = session.run(["logits"], {"images": images.test.images.numpy().transpose(0, 2, 3, 1)})
    predictions = entries.load("winner_predictions")
    assert (logits.argmax(axis=1) == predictions["predicted"]).mean() > 0.99
    assert (predictions["predicted"] == predictions["label"]).mean() == pytest.approx(winner["test_accuracy"])
    assert sum(p.numel() for p in rebuild(entries.load("winner_model")).parameters()) == winner["params"]


def test_both_precisions_are_measured(entries):
    measurements, winner = entries.load("export_measurements"), entries.load("winner")
    assert measurements["precision"].tolist() == ["float32", "int8"]
    whole, int8 = measurements.to_dict(orient="records")
    assert whole["test_accuracy"] == pytest.approx(winner["test_accuracy"], abs=0.01)
    assert int8["difference_points"] == pytest.approx(100 * (int8["test_accuracy"] - whole["test_accuracy"]))
    assert int8["difference_low"] <= int8["difference_points"] <= int8["difference_high"]
    for name, entry in (("float32", "winner_model_onnx"), ("int8", "winner_model_int8")):
        row = measurements.set_index("precision").loc[name]
        assert row["file_kib"] == len(entries.load(entry)) / 1024
        assert 0 < row["latency_low_ms"] <= row["latency_ms"] <= row["latency_high_ms"]
    assert int8["file_kib"] < whole["file_kib"]
    assert int8["activation_kib"] < whole["activation_kib"]


def test_finalists_references_and_teacher_are_trained_alike_and_compared(entries):
    trainings, references, winner = (entries.load(name) for name in ("final_trainings", "references", "winner"))
    assert set(trainings["role"]) >= {"finalist", "reference", "teacher"}
    assert set(references["name"]) == set(trainings["name"])
    students = trainings[trainings["role"] != "teacher"]
    assert set(students["epochs"]) == {2}
    assert set(students.loc[students["chosen"], "distillation"]) == {winner["distillation"]}
    assert (students[students["chosen"]].groupby("name")["seed"].apply(list).apply(len) == 2).all()
    evaluations = entries.load("evaluations")
    assert set(students["key"]) <= set(evaluations["key"]), "every final training is an evaluation in the store"
    first = references.iloc[0]
    assert (first["role"], first["architecture_id"]) == ("winner", winner["architecture_id"])
    others = references[references["role"] != "winner"]
    np.testing.assert_allclose(others["difference"], first["test_accuracy"] - others["test_accuracy"], atol=1e-9)
    assert (others["difference_low"] <= others["difference"]).all()
    assert winner["final_seconds"] == pytest.approx(students["cost_seconds"].sum(), rel=0.01)


def test_the_folder_has_what_a_user_needs(entries):
    files, winner = entries.load("network_folder"), entries.load("winner")
    assert {"model.safetensors", "model.onnx", "model_int8.onnx", "classes.json", "README.md", "metrics.json"} <= set(
        files
    )
    assert files["model.onnx"] == entries.load("winner_model_onnx")
    assert files["model_int8.onnx"] == entries.load("winner_model_int8")
    assert json.loads(files["metrics.json"])["test_accuracy"] == pytest.approx(winner["test_accuracy"])
    assert json.loads(files["classes.json"]) == list(entries.load("images").class_names)


def test_a_final_training_has_its_learning_curve_in_mlflow(entries):
    key = entries.load("final_trainings").query("role == 'finalist'")["key"].iloc[0]
    (experiment,) = [e for e in mlflow.search_experiments() if e.name == "smoke"]
    (run_of_key,) = MlflowClient().search_runs([experiment.experiment_id], f"tags.key = '{key}'")
    losses = MlflowClient().get_metric_history(run_of_key.info.run_id, "epoch_loss")
    assert sorted(metric.step for metric in losses) == [1, 2]


def test_the_final_stage_alone_trains_nothing_again(study, entries, caplog):
    before = entries.load("final_trainings")
    with caplog.at_level("INFO"):
        run(study, "final")
    pd.testing.assert_frame_equal(before, catalog(study).load("final_trainings"))
    assert all("0 to train" in message for message in caplog.messages if "are in the store" in message)


def test_the_report_is_one_page_that_needs_nothing_else(entries):
    page = entries.load("report")
    winner = entries.load("winner")
    assert page.count("<svg") == 12
    assert f"{100 * winner['test_accuracy']:.2f} %" in page
    assert "cannot be told from 4 candidates" in page
    assert "worth its" not in page
    assert "src=" not in page
    assert 'href="http' not in page


def test_the_report_can_be_written_alone(study, entries):
    before = entries.load("report")
    run(study, "report")
    assert len(catalog(study).load("report")) == pytest.approx(len(before), rel=0.01)


def test_mlflow_has_a_parent_and_a_child_for_every_training(entries):
    (experiment,) = [e for e in mlflow.search_experiments() if e.name == "smoke"]
    runs = MlflowClient().search_runs([experiment.experiment_id], max_results=5000)
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert {run.data.tags["key"] for run in children} >= set(entries.load("evaluations")["key"])
    assert len({frozenset(run.data.params) for run in children}) == 1
    parent = next(run for run in runs if run.info.run_id == children[0].data.tags["mlflow.parentRunId"])
    assert parent.data.params["search.budget_evaluations"] == "5"
    assert parent.data.params["metric"] == "accuracy"
    assert "teacher_test_accuracy" in parent.data.metrics
    artifacts = {
        a.path for folder in ("pictures", "report") for a in MlflowClient().list_artifacts(parent.info.run_id, folder)
    }
    assert "report/report.html" in artifacts
    assert "pictures/correlation_against_cost.png" in artifacts


def test_the_delivered_network_is_registered_in_mlflow(entries):
    client, name = MlflowClient(), "mf-nas-kd-smoke"
    versions = {each.tags["model_fingerprint"]: each for each in client.search_model_versions(f"name = '{name}'")}
    version = versions[entries.load("winner")["model_fingerprint"]]
    measured = entries.load("export_measurements").set_index("precision").loc["float32"]
    assert float(version.tags["test_score"]) == pytest.approx(measured["test_accuracy"], abs=1e-6)
    assert (
        float(client.get_model_version_by_alias(name, "champion").tags["test_score"])
        >= measured["test_accuracy"] - 1e-6
    )
    assert "model_card.md" in [each.path for each in client.list_artifacts(version.run_id)]


def test_evaluating_again_trains_nothing(study, entries, caplog):
    before = entries.load("evaluations")
    with caplog.at_level("INFO"):
        run(study, "evaluation")
    assert "0 to train" in caplog.text
    pd.testing.assert_frame_equal(before, catalog(study).load("evaluations"))


@pytest.mark.parametrize(
    "strategy",
    ["random", "regularised_evolution", "successive_halving", "hf_gp", "lf_only", "two_stage", "co_kriging"],
)
def test_every_strategy_searches_within_a_limit(study, entries, strategy):
    limit = int(entries.load("candidates")["macs"].median())
    run(study, "search", search={"strategy": strategy, "max_macs": limit, "budget_evaluations": 4})
    after = catalog(study)
    pool = after.load("search_pool")
    assert pool["macs"].max() <= limit
    assert after.load("search_outcome")["architecture_id"] in set(pool["architecture_id"])
    assert set(after.load("search_trace")["strategy"]) == {strategy}


@pytest.mark.slow
def test_the_target_fidelity_may_distil_and_be_repeated(tmp_path):
    """Its candidates are ranked and searched by what will be deployed."""
    low = {"distillation": {name: name in ("none", "kd") for name in METHODS | {"attention"}}}
    changed = {"evaluation": {"full": {"distillation": "kd"}, "seeds": 2, "low": low}, "search": {"strategy": "random"}}
    for stage in ("data", "teacher", "evaluation", "correlation"):
        run(tmp_path, stage, **changed)
    run(tmp_path, "search", outputs=["full_trainings"], **changed)
    entries = catalog(tmp_path)
    full = entries.load("full_trainings")
    assert set(full["distillation"]) == {"kd"}
    assert full["architecture_id"].is_unique
    assert len(full) > 4
    table = entries.load("correlation_table")
    assert table[table["role"].isin(["full", "ceiling"])]["distillation"].tolist() == ["kd", "kd"]
    comparison = entries.load("distillation_comparison")
    assert comparison["distillation"].tolist() == ["kd"]
    repeats = entries.load("evaluation_plan").query("role == 'repeat'")
    planned = entries.load("planned_evaluations").set_index("key")
    assert set(planned.loc[repeats["key"], "seed"]) == {1}


@pytest.mark.slow
def test_the_teacher_of_the_default_configuration_is_good_enough(tmp_path):
    run(tmp_path, "data", env="base")
    run(tmp_path, "teacher", env="base")
    metrics = catalog(tmp_path, env="base").load("teacher_metrics")
    assert metrics["test_accuracy"] >= 0.975
    assert json.dumps(metrics)


def test_where_every_training_diverges_the_run_ends_with_the_reason_which_is_in_the_report_too(tmp_path):
    rate = {"training": {"hyper_parameters": {"learning_rate": 1e30}}}
    with pytest.raises(MissingEvaluationError, match=r"no high-fidelity evaluation finished.*the learning rate"):
        run(tmp_path, **rate)
    left = catalog(tmp_path)
    evaluations = left.load("planned_evaluations")
    assert set(evaluations["status"]) == {"failed"}
    assert evaluations["val_accuracy"].isna().all()
    report = left.load("report")
    assert "This run ended early" in report
    assert "the learning rate or a loss weight is too large" in report


def test_a_second_run_trains_no_teacher(tmp_path, caplog):
    run(tmp_path, "data")
    run(tmp_path, "teacher")
    first = catalog(tmp_path).load("teacher")
    caplog.clear()
    run(tmp_path, "teacher")
    assert "Using the teacher that was trained earlier" in caplog.text
    assert "Teacher, epoch" not in caplog.text
    assert catalog(tmp_path).load("teacher").fingerprint == first.fingerprint
