"""A search problem whose truth is known: accuracy is a smooth function of two features."""

from dataclasses import replace
from fractions import Fraction

import pytest

from mf_nas_kd.records import Architecture, Costs, Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.search import STRATEGIES, Candidate, FrontObjective, Observation, SearchProblem
from tests.fakes import FakeEvaluator

FULL = Fidelity(Fraction(1), 10)
LOW = Fidelity(Fraction(1, 9), 9, distillation="kd")
OPTIONS = {
    "random": {},
    "proxy_order": {"proxy": "macs"},
    "hf_gp": {"initial_evaluations": 3, "exploration": 0.5, "zero_cost_proxies": False},
    "lf_only": {"low_fidelity_evaluations": 6, "zero_cost_proxies": False},
    "two_stage": {
        "low_fidelity_evaluations": 5,
        "initial_evaluations": 2,
        "promoted": 1,
        "exploration": 0.5,
        "zero_cost_proxies": False,
    },
    "co_kriging": {
        "low_fidelity_evaluations": 5,
        "initial_evaluations": 2,
        "exploration": 0.5,
        "zero_cost_proxies": False,
    },
    "regularised_evolution": {"population_size": 4, "sample_size": 2},
    "successive_halving": {"initial_candidates": 9, "reduction_factor": 3},
    "hyperband": {},
    "asynchronous_halving": {},
    "mf_kd": {"draws": 64},
    "optuna_tpe": {},
    "optuna_front": {},
    "botorch_front": {"initial_evaluations": 3},
    "smac": {"reduction_factor": 3},
    "syne_tune_asha": {"reduction_factor": 3},
    "syne_tune_moasha": {"reduction_factor": 3},
    "botorch_multi_fidelity": {"initial_low_evaluations": 3, "initial_full_evaluations": 1},
}
"""Options of every strategy; a new one adds its line here."""
assert OPTIONS.keys() == STRATEGIES.keys(), f"a line in OPTIONS for each of {OPTIONS.keys() ^ STRATEGIES.keys()}"
PACKAGES = {
    "optuna_tpe": "optuna",
    "optuna_front": "optuna",
    "botorch_multi_fidelity": "botorch",
    "botorch_front": "botorch",
    "smac": "smac",
    "syne_tune_asha": "syne_tune",
    "syne_tune_moasha": "syne_tune",
}
"""What strategies need of the extras; without them their tests are skipped."""
EXTRAS = {"smac": "smac", "syne_tune_asha": "syne_tune", "syne_tune_moasha": "syne_tune"}
"""The extra of those that are not in ``external``."""


def skip_unless_installed(name):
    """For a strategy of another project, where the extra is not installed."""
    if package := PACKAGES.get(name):
        pytest.importorskip(
            package, reason=f"the extra {EXTRAS.get(name, 'external')}, with {package}, is not installed"
        )


CANDIDATES = tuple(
    Candidate(Architecture.of("grid", x=x, y=y), (float(x), float(y)), Costs(100 + 10 * x + y, params=10 + x))
    for x in range(6)
    for y in range(6)
)


def steps(architecture):
    """One step on one axis of the grid."""
    x, y = architecture.fields["x"], architecture.fields["y"]
    ends = ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
    return tuple(Architecture.of("grid", x=a, y=b) for a, b in ends if 0 <= a < 6 and 0 <= b < 6)


def problem(proposals_at_a_time=2, candidates=CANDIDATES, low=(LOW,), neighbours=steps):
    return SearchProblem(candidates, FULL, low, proposals_at_a_time, neighbours, ACCURACY)


def problem_of(name, *arguments, **fields):
    """A problem that a strategy can search: with the front as objective if it knows no other."""
    plain = problem(*arguments, **fields)
    return plain if "accuracy" in STRATEGIES[name].objectives else on_front(plain)


def on_front(the_problem):
    """The same problem with the front of accuracy and MACs as its objective."""
    return replace(the_problem, objective=FrontObjective("macs", {c.id: c.macs for c in the_problem.candidates}))


def truth(architecture, fidelity):
    """Best at (4, 2); short trainings see it a little worse."""
    fields = architecture.fields
    value = 0.9 - 0.02 * (fields["x"] - 4) ** 2 - 0.01 * (fields["y"] - 2) ** 2
    return value if fidelity == FULL else 0.7 * value + 0.01 * ((fields["x"] * 7 + fields["y"] * 3) % 5)


class GridEvaluator(FakeEvaluator):
    def evaluate(self, architecture, fidelity, seed):
        accuracy = truth(architecture, fidelity)
        return replace(
            self._record(architecture, fidelity, seed, accuracy, ""), cost_seconds=float(fidelity.image_passes)
        )


def evaluate(requests):
    return [GridEvaluator().evaluate(r.architecture, r.fidelity, r.seed) for r in requests]


def observation(candidate, fidelity, step=1, **changes):
    accuracy = changes.pop("score", truth(candidate.architecture, fidelity))
    return Observation(candidate.id, fidelity, accuracy, float(fidelity.image_passes), candidate.macs, step)
