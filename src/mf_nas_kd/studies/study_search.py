"""A search that continues a study: its problem is made from the tables of the study, its evaluations are trained."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Architecture, Costs, Evaluation, Fidelity, Metric
from mf_nas_kd.records.costs import ON_DEVICE
from mf_nas_kd.records.tables import candidate_table, fidelities_in, records_of
from mf_nas_kd.search import Budget, Candidate, FrontObjective, SearchProblem, SearchResult, Strategy, run_search
from mf_nas_kd.search.front import front_rows
from mf_nas_kd.spaces import Limits, sample_within
from mf_nas_kd.spaces.space import SearchSpace
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.studies.device_costs import DeviceCostsOf
from mf_nas_kd.studies.device_pool import measured_pool
from mf_nas_kd.studies.evaluator import Evaluator
from mf_nas_kd.studies.expectation import ExpectedSeconds
from mf_nas_kd.studies.plan import finished_evaluations, requests_of
from mf_nas_kd.studies.runner import EVALUATION, Work, run_evaluations
from mf_nas_kd.workers import Executor

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudySearch:
    """Outcome of a search that continues a study.

    Attributes:
        result: Trace, charged evaluations and winner.
        full: Finished high-fidelity evaluations of candidates, those of the study and those of the search, one an
            architecture.
    """

    result: SearchResult
    full: tuple[Evaluation, ...]


def search_pool(
    candidates: pd.DataFrame,
    space: SearchSpace,
    count: int,
    limits: Limits,
    cost_of: Callable[[Architecture], Costs],
    rng: np.random.Generator,
    on_device: DeviceCostsOf | None = None,
    front_cost: str | None = None,
) -> pd.DataFrame:
    """The candidates of a search: those of the study and a fresh sample, all within the limits.

    Args:
        candidates: The candidates of the study.
        space: Search space of the sample.
        count: Number of architectures that are sampled.
        limits: Upper limits of the costs.
        cost_of: Counts the costs of an architecture.
        rng: Source of randomness.
        on_device: Costs on a device; needed where these are limited, or stand against the score.
        front_cost: The cost that stands against the score; None if the objective is no front.

    Returns:
        The columns ``CANDIDATE_COLUMNS``, one row an architecture; where costs on a device are needed, these too.

    Raises:
        InvalidValueError: If the candidates of the study belong to another space.
        ImpossibleLimitError: If no architecture of the space is within the limits.
    """
    foreign = sorted(set(candidates["space"]) - {space.name})
    if foreign:
        allowed = f"those of {space.name}: run the evaluation pipeline"
        raise InvalidValueError("space of the candidates", ", ".join(foreign), allowed)
    studied = records_of(candidates, Architecture)
    if on_device is not None and (limits.need_device or front_cost in ON_DEVICE):
        return measured_pool(studied, space, count, limits, cost_of, rng, on_device)
    fresh = sample_within(space, count, limits, cost_of, rng)
    known = [each for each in studied if limits.allow(cost_of(each))]
    return candidate_table([*known, *fresh], cost_of).drop_duplicates("architecture_id", ignore_index=True)


def search_problem(
    pool: pd.DataFrame,
    plan: pd.DataFrame,
    space: SearchSpace,
    low: Sequence[Fidelity] | None,
    proposals_at_a_time: int,
    metric: Metric,
    proxies: pd.DataFrame | None = None,
    front_cost: str | None = None,
    continuation: bool = False,
) -> SearchProblem:
    """The problem of finding the best architecture of a pool at the target fidelity of a study.

    Args:
        pool: The candidates, as returned by :func:`search_pool`.
        plan: The plan of the study, whose rows with the role ``full`` have the target fidelity.
        space: Search space of the candidates.
        low: Low fidelities of the search; None for those of the plan.
        proposals_at_a_time: Number of proposals before a strategy has their results.
        metric: The metric that selects.
        proxies: Zero-cost proxies that models see beside MACs and parameters, as returned by
            :func:`mf_nas_kd.studies.pool_proxies.accepted_of_pool`; None for none.
        front_cost: The cost that stands against the score; None to find the best architecture.
        continuation: Whether a training can continue another one of the same candidate with fewer epochs.

    Raises:
        InvalidValueError: If that cost of a candidate was not measured.
    """
    values = pd.DataFrame(index=pool["architecture_id"]) if proxies is None else proxies.set_index("architecture_id")
    known = {str(name): {str(proxy): float(x) for proxy, x in row.items()} for name, row in values.iterrows()}
    architectures, costs = records_of(pool, Architecture), records_of(pool, Costs)
    objective = None if front_cost is None else FrontObjective(front_cost, _costs(pool, front_cost))
    return SearchProblem(
        candidates=tuple(
            Candidate(architecture, space.encode(architecture), cost, known[architecture.id])
            for architecture, cost in zip(architectures, costs, strict=True)
        ),
        full=fidelities_in(plan[plan["role"] == "full"])[0],
        low=fidelities_in(plan[plan["role"] == "low"]) if low is None else tuple(low),
        proposals_at_a_time=proposals_at_a_time,
        neighbours=space.neighbours,
        metric=metric,
        continuation=continuation,
        proxies=tuple(map(str, values.columns)),
        objective=objective,
    )


def _costs(pool: pd.DataFrame, name: str) -> dict[str, float]:
    """A cost of all candidates that have it, by their identifiers."""
    known = pool.dropna(subset=[name]) if name in pool else pool.head(0).assign(**{name: []})
    return dict(zip(known["architecture_id"], known[name].astype(float), strict=True))


def run_study_search(
    name: str,
    strategy: Strategy,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    budget: Budget,
    seed: int,
    evaluator: Evaluator,
    workers: Executor[Any],
    store: EvaluationStore,
    on_new: Callable[[Evaluation], None],
    retry_failed: bool,
    work: Work[Any] = EVALUATION,
    stop_below_points: float | None = None,
) -> StudySearch:
    """Run a search that knows the finished evaluations of a study; new evaluations are stored at once.

    Args:
        name: Name of the strategy, for the trace.
        strategy: Strategy that was built for the problem.
        plan: The plan of the study; trainings of the search have the seed of its high-fidelity evaluations.
        evaluations: The planned evaluations; they are not charged to the budget. Those with the role ``repeat`` are not
            part of the search, which knows one evaluation an architecture at the target fidelity.
        budget: Limit of the costs and of the number of evaluations.
        seed: Seed of the strategy's random choices.
        evaluator: Makes keys and evaluations.
        workers: Workers that hold an equal evaluator.
        store: Store of the study; evaluations that it has are charged, but not trained again.
        on_new: Called with every new evaluation after it has been stored.
        retry_failed: Whether evaluations that failed earlier are made again.
        work: What is done for an evaluation, and kept.
        stop_below_points: The search ends when the expected gain of the rest of the budget is below, in percentage
            points; None for never.

    Raises:
        MissingEvaluationError: If planned evaluations are missing, or no high-fidelity evaluation finished.
        ImpossibleLimitError: If the budget ends before any high-fidelity evaluation has finished.
    """
    problem = strategy.problem
    finished = problem.metric.scored(finished_evaluations(plan, evaluations))
    known = records_of(finished[finished["role"] != "repeat"], Evaluation)
    evaluate = partial(
        run_evaluations,
        evaluator=evaluator,
        workers=workers,
        store=store,
        on_new=on_new,
        retry_failed=retry_failed,
        work=work,
        metric=problem.metric,
        show_progress=False,
        expected_seconds=ExpectedSeconds(known),
    )
    training_seed = requests_of(plan[plan["role"] == "full"])[0].seed
    result = run_search(name, strategy, problem, known, budget, evaluate, seed, training_seed, stop_below_points)
    full = {
        evaluation.architecture.id: evaluation
        for evaluation in (*known, *result.evaluations)
        if evaluation.finished and evaluation.fidelity == problem.full and evaluation.architecture.id in problem.by_id
    }
    return StudySearch(result, tuple(full.values()))


def front_of(problem: SearchProblem, full: Sequence[Evaluation]) -> list[dict[str, object]]:
    """The Pareto front of high-fidelity evaluations, the cheapest first; empty if the objective is no front.

    Args:
        problem: The problem with its objective.
        full: Finished high-fidelity evaluations of candidates.
    """
    if problem.objective is None:
        return []
    scores = {each.architecture.id: problem.metric.of(each.metrics) for each in full}
    known = {name: score for name, score in scores.items() if score is not None}
    rows = front_rows(problem.objective, known, problem.metric.validation)
    logger.info(
        "Front of %s and %s: %d of %d candidates with a high-fidelity evaluation: %s",
        problem.metric.label,
        problem.objective.cost,
        len(rows),
        len(known),
        "; ".join(" ".join(map(_short, row.values())) for row in rows),
    )
    return rows


def _short(value: object) -> str:
    return f"{value:,.5g}" if isinstance(value, float) else str(value)
