import pickle
import time
from dataclasses import asdict, replace
from fractions import Fraction

import pandas as pd
import pytest

from mf_nas_kd.evaluation import Evaluation, EvaluationRequest, EvaluationStore, Fidelity, run_evaluations
from mf_nas_kd.evaluation.executors import open_executor
from mf_nas_kd.evaluation.plan import architectures_of
from mf_nas_kd.evaluation.tables import BenchmarkTable, read_published
from mf_nas_kd.evaluation.tabular_evaluator import TabularEvaluator
from mf_nas_kd.search import STRATEGIES, Budget, Candidate, SearchProblem, run_search
from mf_nas_kd.spaces import Architecture, enclosing_space
from tests.evaluation.fakes import executor_settings
from tests.published import write

SHORT = Fidelity(Fraction(1, 9), epochs=100, distillation="kd")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return read_published(write(tmp_path_factory.mktemp("published")))[0]


@pytest.fixture(scope="module")
def evaluator(table):
    return TabularEvaluator(table)


@pytest.fixture(scope="module")
def architectures(table):
    return architectures_of(table.candidates)


def test_an_evaluation_is_what_the_table_says(table, evaluator, architectures):
    found = evaluator.evaluate(architectures[2], SHORT, 7)
    assert (found.val_accuracy, found.test_accuracy, found.cost_seconds) == (0.2, 0.2 + 0.01, 7.0)
    assert (found.status, found.error, found.seed) == ("finished", "", 7)
    assert (found.dataset, found.space) == ("cifar100", "mobilenet_v2")
    assert (found.architecture_id, found.architecture) == (architectures[2].id, architectures[2].specification)
    assert found.fidelity == SHORT
    assert (found.macs, found.params) == tuple(table.candidates.loc[2, ["macs", "params"]])
    assert found.key == evaluator.key(architectures[2], SHORT, 7)
    assert {type(value) for value in asdict(found).values()} <= {str, int, float} | {type(found.status)}


def test_the_seed_does_not_matter(evaluator, architectures):
    first, second = (evaluator.evaluate(architectures[0], SHORT, seed) for seed in (0, 1))
    assert replace(first, seed=1) == second


def test_keys_tell_everything_else_apart(table, evaluator, architectures):
    other = replace(table, evaluations=table.evaluations.assign(cost_seconds=3.0))
    keys = [evaluator.key(a, f, 0) for a in architectures for f in (SHORT, table.searched, replace(SHORT, epochs=5))]
    keys += [TabularEvaluator(other).key(architectures[0], SHORT, 0)]
    keys += [TabularEvaluator(replace(table, dataset="cifar10")).key(architectures[0], SHORT, 0)]
    assert len(set(keys)) == len(keys)
    assert TabularEvaluator(table).key(architectures[0], SHORT, 0) == keys[0]


def test_what_the_table_lacks_is_a_failure_that_cost_nothing(evaluator, architectures):
    missing = evaluator.evaluate(architectures[1], SHORT, 0)
    unknown_fidelity = evaluator.evaluate(architectures[0], replace(SHORT, epochs=7), 0)
    foreign = Architecture.of("mobilenet_v2", stem=32, stages=[[1, 8, 1, 1]], head=8)
    unknown = evaluator.evaluate(foreign, SHORT, 0)
    for found in (missing, unknown_fidelity, unknown):
        assert (found.status, found.val_accuracy, found.test_accuracy, found.cost_seconds) == ("failed", None, None, 0)
    assert missing.error == (
        "the table cifar100 mobilenet_v2 lacks an evaluation with 1/9 of the images, 100 epochs, kd "
        f"of {architectures[1].id}"
    )
    assert unknown.error == f"the table cifar100 mobilenet_v2 lacks any evaluation of {foreign.id}"


def test_an_accuracy_that_is_not_known_is_none():
    truth = Fidelity(Fraction(1), epochs=200)
    searched = Fidelity(Fraction(1), epochs=12)
    architecture = Architecture.of("mobilenet_v2", stem=32, stages=[[1, 8, 1, 1]], head=8)
    candidates = pd.DataFrame(
        [(0, architecture.id, architecture.space, architecture.specification, 10, 5)],
        columns=["index", "architecture_id", "space", "architecture", "macs", "params"],
    )
    rows = [
        (architecture.id, 1.0, 12, 1.0, "none", 0.5, 0.4, 1.0),
        (architecture.id, 1.0, 200, 1.0, "none", None, 0.9, 17),
    ]
    columns = ["architecture_id", "train_fraction", "epochs", "width", "distillation", "val_accuracy", "test_accuracy"]
    evaluations = pd.DataFrame(rows, columns=[*columns, "cost_seconds"])
    table = BenchmarkTable("cifar10", "mobilenet_v2", candidates, evaluations, searched, truth, ())
    found = TabularEvaluator(table).evaluate(architecture, truth, 0)
    assert (found.status, found.val_accuracy, found.test_accuracy) == ("finished", None, 0.9)


def test_a_narrowed_network_counts_with_the_square_of_its_width(table, architectures):
    narrowed = replace(table, evaluations=pd.concat([table.evaluations, table.at(SHORT).assign(width=0.5)]))
    found = TabularEvaluator(narrowed).evaluate(architectures[0], replace(SHORT, width=0.5), 0)
    assert found.finished
    assert found.macs == round(table.candidates["macs"][0] / 4)


def test_an_evaluator_can_be_sent_to_workers_and_its_records_stored(table, evaluator, architectures, tmp_path):
    requests = [EvaluationRequest(architecture, table.searched, 0) for architecture in architectures]
    here = [evaluator.evaluate(request.architecture, request.fidelity, 0) for request in requests]
    copy = pickle.loads(pickle.dumps(evaluator))
    assert [copy.evaluate(request.architecture, request.fidelity, 0) for request in requests] == here
    store = EvaluationStore(f"sqlite:///{tmp_path}/s.db")
    with open_executor(executor_settings("inline"), evaluator) as workers:
        found = run_evaluations(requests, evaluator, workers, store, lambda _: None, False, False)
    assert found == here
    assert list(store.find([here[0].key]).values()) == [here[0]]


def test_a_search_runs_on_a_table(table, evaluator, architectures):
    space = enclosing_space(architectures)
    candidates = tuple(
        Candidate(architecture, space.encode(architecture), row.macs, row.params)
        for architecture, row in zip(architectures, table.candidates.itertuples(), strict=True)
    )
    problem = SearchProblem(candidates, table.searched, table.low, proposals_at_a_time=1, neighbours=lambda _: ())

    def evaluate(requests: list[EvaluationRequest]) -> list[Evaluation]:
        return [evaluator.evaluate(request.architecture, request.fidelity, request.seed) for request in requests]

    strategy = STRATEGIES["random"](problem, STRATEGIES["random"].Options())
    result = run_search("random", strategy, problem, (), Budget(1000.0, 10), evaluate, 0, 0)
    assert result.winner_id == architectures[3].id
    assert result.spent_seconds == 4 * 30.0


def test_looking_up_is_fast(table, evaluator, architectures):
    requests = [(architecture, fidelity) for architecture in architectures for fidelity in table.low]
    started = time.perf_counter()
    for _ in range(1000):
        for architecture, fidelity in requests:
            evaluator.evaluate(architecture, fidelity, 0)
    assert len(requests) * 1000 / (time.perf_counter() - started) > 20_000  # 300,000 a second on one of two busy cores
