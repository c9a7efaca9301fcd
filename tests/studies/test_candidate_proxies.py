"""Zero-cost proxies of candidates as a table, and what is kept of them."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from mf_nas_kd.networks import CostCounter
from mf_nas_kd.proxies import PROXIES, ProxyScorer, ProxySettings
from mf_nas_kd.proxies.az_nas import rank_aggregation
from mf_nas_kd.records import Architecture, Evaluation, Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.records.tables import candidate_table, records_of, table_of
from mf_nas_kd.statistics import AddedValueSettings, CorrelationSettings
from mf_nas_kd.studies import candidate_proxies
from mf_nas_kd.studies.candidate_proxies import proxies_of
from mf_nas_kd.studies.plan import plan_table, requests_of
from mf_nas_kd.studies.pool_proxies import accepted_of_pool
from mf_nas_kd.studies.study_search import search_problem
from tests.fakes import FakeEvaluator, evaluation, executor_settings

NAMES = ("expressivity", "progressivity", "trainability")
FULL = Fidelity(Fraction(1), epochs=9)


def settings(*names, **changes):
    options = {"batch_size": 8, "gradient_batches": 2, "initialisations": 1, "seed": 0} | changes
    return ProxySettings(use=dict.fromkeys(names, True), **options)


@pytest.fixture
def computed(monkeypatch):
    """The architectures and names whose proxies were computed."""
    made, scores = [], ProxyScorer.scores

    def noted(scorer, architecture, names):
        made.append((architecture.id, tuple(names)))
        return scores(scorer, architecture, names)

    monkeypatch.setattr(ProxyScorer, "scores", noted)
    return made


def test_the_table_has_the_values_of_the_scorer_and_their_seconds(digits, teacher, architectures):
    wanted = settings(*PROXIES)
    table = proxies_of(architectures, digits, teacher, wanted, device="cpu")
    assert table["architecture_id"].tolist() == [each.id for each in architectures]
    scores = ProxyScorer(digits, teacher, wanted, "cpu").scores(architectures[2], PROXIES)
    defined = [name for name in PROXIES if name != "live_macs"]
    assert list(table.columns) == ["architecture_id", *defined, *(f"{name}_seconds" for name in defined)]
    assert table.loc[2, defined].tolist() == [scores[name].value for name in defined]
    assert (table[[f"{name}_seconds" for name in defined]] > 0).all(axis=None)


def test_az_nas_is_made_of_the_components_and_macs_of_all_candidates(digits, architectures):
    table = proxies_of(architectures, digits, None, settings(*NAMES, "az_nas"), device="cpu")
    cost_of = CostCounter(digits.classes, digits.image_shape)
    expected = rank_aggregation(*(table[name] for name in NAMES), [cost_of(each).macs for each in architectures])
    np.testing.assert_allclose(table["az_nas"], expected)
    np.testing.assert_allclose(table["az_nas_seconds"], table[[f"{name}_seconds" for name in NAMES]].sum(axis=1))


def test_what_is_known_is_not_computed_again(digits, architectures, tmp_path, computed):
    def table(chosen, *names, **changes):
        computed.clear()
        return proxies_of(chosen, digits, None, settings(*names, **changes), tmp_path, "cpu")

    first = table(architectures[:2], "naswot")
    assert len(computed) == 2
    pd.testing.assert_frame_equal(table(architectures[:2], "naswot"), first)
    assert computed == []
    table(architectures[:3], "naswot", "synflow")
    assert [names for _, names in computed] == [("synflow",), ("synflow",), ("naswot", "synflow")]
    table(architectures[:2], "naswot", seed=1)
    assert len(computed) == 2
    pd.testing.assert_frame_equal(table(architectures[:2], "naswot"), first)
    assert computed == []


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 1}', '{"a": ["x", 1]}', "\udcff"])
def test_a_damaged_file_is_computed_again(content, digits, architectures, tmp_path, computed, caplog):
    wanted = settings("naswot")
    first = proxies_of(architectures[:1], digits, None, wanted, tmp_path, "cpu")
    (file,) = tmp_path.iterdir()
    file.write_bytes(content.encode(errors="surrogateescape"))
    again = proxies_of(architectures[:1], digits, None, wanted, tmp_path, "cpu")
    assert again["naswot"].tolist() == first["naswot"].tolist()
    assert len(computed) == 2
    assert "is damaged, and its proxies are computed again" in caplog.text
    assert len(json.loads(file.read_text())) == 1


def test_values_without_signal_survive_the_file(digits, tmp_path):
    dead = Architecture.of(
        "nas_bench_201", stem=4, cells_per_stage=1, cell="|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    )
    tables = [proxies_of([dead], digits, None, settings("naswot", "synflow"), tmp_path, "cpu") for _ in range(2)]
    assert tables[1].equals(tables[0])
    assert tables[0].loc[0, ["naswot", "synflow"]].tolist() == [float("-inf")] * 2


def test_without_architectures_or_proxies_there_is_nothing(digits, architectures):
    assert proxies_of([], digits, None, settings(*NAMES, "az_nas"), device="cpu").empty
    assert list(proxies_of(architectures, digits, None, settings(), device="cpu").columns) == ["architecture_id"]


@pytest.mark.slow
def test_workers_compute_the_same(digits, teacher, architectures, monkeypatch):
    monkeypatch.setattr(candidate_proxies, "WORTH_WORKERS_SECONDS", 0.0)
    arguments = (architectures, digits, teacher, settings("naswot", "teacher_similarity"))
    here = proxies_of(*arguments, device="cpu")
    there = proxies_of(*arguments, device="cpu", executor=executor_settings("processes", workers=1))
    names = ["architecture_id", "naswot", "teacher_similarity"]
    assert there[names].equals(here[names])


def scored_study(pool, values):
    """A plan and its evaluations, whose validation accuracy is a function of the candidate; test accuracy is not."""
    plan = plan_table(records_of(pool, Architecture), [], FULL, 0, FakeEvaluator())
    made = []
    for request, value in zip(requests_of(plan), values, strict=True):
        key = FakeEvaluator().key(request.architecture, request.fidelity, request.seed)
        record = evaluation(key, request.architecture, FULL, 0, float(value), macs=1000)
        made.append(replace(record, metrics=replace(record.metrics, test_accuracy=0.5)))
    evaluations = table_of(made, Evaluation).drop(columns=["macs", "params"])
    return plan, evaluations.merge(pool[["architecture_id", "macs", "params"]], on="architecture_id")


def test_a_search_sees_the_proxies_that_earn_it_on_validation_scores(space):
    rng = np.random.default_rng(0)
    sampled = list({each.id: each for each in (space.sample(rng) for _ in range(200))}.values())
    pool = candidate_table(sampled, CostCounter(10, (1, 8, 8)))
    studied = pool.head(30)
    hidden = dict(zip(pool["architecture_id"], rng.normal(size=len(pool)), strict=True))
    proxies = pd.DataFrame(
        {
            "architecture_id": studied["architecture_id"],
            "naswot": studied["architecture_id"].map(hidden),
            "zico": rng.normal(size=30),
        }
    )
    plan, evaluations = scored_study(studied, 0.5 + 0.1 * studied["architecture_id"].map(hidden))
    asked = []

    def compute(architectures, names):
        asked.append((len(architectures), names))
        return pd.DataFrame(
            {"architecture_id": [each.id for each in architectures], "naswot": [hidden[a.id] for a in architectures]}
        )

    added = AddedValueSettings(permutations=199, level=0.05, power=0.8)
    statistics = CorrelationSettings(resamples=10, level=0.95, seed=0, added_value=added)
    found = accepted_of_pool(pool, proxies, plan, evaluations, statistics, ACCURACY, compute)
    assert asked == [(len(pool), ("naswot",))]
    assert list(found.columns) == ["architecture_id", "naswot"]
    problem = search_problem(pool, plan, space, None, 1, ACCURACY, found)
    assert problem.proxies == ("naswot",)
    assert [each.proxies["naswot"] for each in problem.candidates] == [hidden[each.id] for each in problem.candidates]
    assert problem.inputs.proxies.shape == (len(pool), 3)

    plan, evaluations = scored_study(studied, rng.uniform(size=30))
    found = accepted_of_pool(pool, proxies, plan, evaluations, statistics, ACCURACY, compute)
    assert list(found.columns) == ["architecture_id"]
    assert len(asked) == 1
    assert search_problem(pool, plan, space, None, 1, ACCURACY, found).inputs.proxies.shape == (len(pool), 2)
