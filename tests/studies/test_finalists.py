"""The history of a finished search, rebuilt from its tables."""

from mf_nas_kd.records import Evaluation
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.records.tables import table_of
from mf_nas_kd.search import Budget, History, Observation, build_strategy
from mf_nas_kd.search.finalists import choose_finalists
from mf_nas_kd.search.loop import run_search
from mf_nas_kd.studies.finalists import finalists_of, search_history
from mf_nas_kd.studies.plan import plan_table, requests_of
from mf_nas_kd.studies.study_search import search_problem
from tests.fakes import FakeEvaluator
from tests.studies.test_study_search import FULL, LOW, STUDIED, cost_of, pool

__all__ = ["pool"]


class SometimesFailing(FakeEvaluator):
    def evaluate(self, architecture, fidelity, seed):
        if architecture.id in self.broken:
            return self.failure(architecture, fidelity, seed, "out of memory")
        return super().evaluate(architecture, fidelity, seed)


def test_the_history_is_the_one_that_the_search_had(pool, space, architectures):
    plan = plan_table(architectures[:STUDIED], [LOW], FULL, 5, FakeEvaluator())
    evaluator = SometimesFailing(broken=[architectures[STUDIED].id])

    def evaluate(requests):
        return [evaluator.evaluate(each.architecture, each.fidelity, each.seed) for each in requests]

    known = evaluate(requests_of(plan))
    problem = search_problem(pool, plan, space, None, 1, ACCURACY)
    result = run_search(
        "random", build_strategy("random", problem, {}), problem, known, Budget(1e9, 10), evaluate, 0, 5
    )
    assert result.trace["val_accuracy"].isna().sum() == 1
    steps = result.trace["step"]
    true = History(
        (
            *(Observation.of(each, 0, problem) for each in known),
            *(Observation.of(each, step, problem) for each, step in zip(result.evaluations, steps, strict=True)),
        )
    )
    stored = table_of([*known, *result.evaluations], Evaluation)
    assert search_history(problem, plan, stored, result.trace) == true
    assert all(each.macs == cost_of(a).macs for each, a in zip(true, [*architectures[:STUDIED]] * 2, strict=False))
    found = finalists_of(problem, plan, stored, result.trace, 2, 1.0)
    assert found == choose_finalists(problem, true, 2, 1.0)
    older = result.trace.drop(columns="image_size")
    assert finalists_of(problem, plan, stored, older, 2, 1.0) == found
