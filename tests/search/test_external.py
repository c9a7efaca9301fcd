"""Optimisers of other projects as strategies. Without the extra, only what concerns its absence is tested."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mf_nas_kd.errors import InvalidValueError, MissingPackageError
from mf_nas_kd.records import Metrics
from mf_nas_kd.search import Budget, History, build_strategy, external, run_search
from mf_nas_kd.search.external.optuna_tpe import axes_of
from tests.search.problems import (
    CANDIDATES,
    EXTRAS,
    FULL,
    LOW,
    OPTIONS,
    PACKAGES,
    evaluate,
    observation,
    problem,
    problem_of,
)

PLENTY = Budget(1e9, 10_000)


@pytest.fixture(params=PACKAGES)
def name(request):
    package = PACKAGES[request.param]
    pytest.importorskip(
        package, reason=f"the extra {EXTRAS.get(request.param, 'external')}, with {package}, is not installed"
    )
    return request.param


@pytest.fixture
def botorch():
    return pytest.importorskip("botorch", reason="the extra external, with botorch, is not installed")


def with_features(*rows):
    return tuple(
        replace(c, features=tuple(map(float, row))) for c, row in zip(CANDIDATES[: len(rows)], rows, strict=True)
    )


def ask(name, history, at_a_time=1, **changes):
    strategy = build_strategy(name, problem_of(name, at_a_time, **changes), OPTIONS[name])
    return strategy.propose(history, PLENTY, np.random.default_rng(0))


@pytest.mark.parametrize("name", PACKAGES)
def test_without_the_extra_the_message_names_it(name, monkeypatch):
    monkeypatch.setattr(external, "find_spec", lambda package: None)
    with pytest.raises(
        MissingPackageError, match=rf"{PACKAGES[name]}.*pip install 'mf-nas-kd\[{EXTRAS.get(name, 'external')}\]'"
    ):
        build_strategy(name, problem_of(name), OPTIONS[name])


def test_another_strategy_imports_none_of_their_packages():
    code = (
        "import sys; from tests.search.problems import OPTIONS, problem; from mf_nas_kd.search import build_strategy\n"
        f"for name in OPTIONS.keys() - {set(PACKAGES)}: build_strategy(name, problem(), OPTIONS[name])\n"
        "sys.exit(' '.join(n for n in ('optuna', 'botorch', 'gpytorch', 'torch', 'syne_tune', 'smac', 'neps') if n in sys.modules) or 0)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr


@pytest.mark.parametrize("low", [(LOW,), ()])
def test_the_search_goes_on_until_every_candidate_was_trained_fully(name, low):
    """Also where trainings fail."""

    def sometimes(requests):
        return [
            replace(e, status="failed", metrics=Metrics(), error="out of memory")
            if int(e.architecture.id, 16) % 3 == 0
            else e
            for e in evaluate(requests)
        ]

    the_problem = problem_of(name, 2, CANDIDATES[:9], low)
    strategy = build_strategy(name, the_problem, OPTIONS[name])
    trace = run_search(name, strategy, the_problem, (), PLENTY, sometimes, 0, 0).trace
    assert sorted(trace[trace["train_fraction"] == 1]["architecture_id"]) == sorted(the_problem.by_id)


def test_neighbouring_indicators_are_one_choice():
    rows = [(1, 0, 0, 0.5, 1, 0), (0, 1, 0, 1.5, 0, 1), (0, 0, 1, 0.5, 0, 1), (0, 0, 1, 2.5, 1, 0)]
    colour, size, switch = axes_of(with_features(*rows))
    assert (colour.ordered, size.ordered, switch.ordered) == (False, True, False)
    assert colour.columns == slice(0, 3)
    assert len(set(colour.indices[:3])) == 3
    assert colour.indices[2] == colour.indices[3]
    assert size.values.ravel().tolist() == [0.5, 1.5, 2.5]
    assert size.indices.tolist() == [0, 1, 0, 2]
    assert switch.columns == slice(4, 6)


def test_indicators_that_exclude_nobody_are_ordered_choices():
    axes = axes_of(with_features((1, 0), (1, 1), (0, 1)))
    assert [axis.ordered for axis in axes] == [True, True]


def test_axes_say_everything_of_a_candidate():
    for axes, candidates in ((axes_of(c), c) for c in (CANDIDATES, with_features((1, 0, 3), (0, 1, 3)))):
        for index, candidate in enumerate(candidates):
            assert np.concatenate([a.values[a.indices[index]] for a in axes]).tolist() == list(candidate.features)


def test_tpe_learns():
    """After 12 random full trainings, its next ones are better than chance's on average."""
    pytest.importorskip("optuna", reason="the extra external, with optuna, is not installed")
    chosen = np.random.default_rng(0).permutation(len(CANDIDATES))[:12]
    history = History(tuple(observation(CANDIDATES[i], FULL) for i in chosen))
    strategy = build_strategy("optuna_tpe", problem(1), {})
    found = [strategy.propose(history, PLENTY, np.random.default_rng(s))[0].candidate for s in range(20)]
    rest = [c for c in CANDIDATES if c.id not in history.tried(FULL)]

    def mean_accuracy(candidates):
        return np.mean([observation(c, FULL).score for c in candidates])

    assert mean_accuracy(found) > mean_accuracy(rest) + 0.05


def test_botorch_begins_with_every_fidelity(botorch):
    seen = History(tuple(observation(c, LOW) for c in CANDIDATES[:2]))
    (third,) = ask("botorch_multi_fidelity", seen)
    assert third.fidelity == LOW
    (full,) = ask("botorch_multi_fidelity", seen.with_(observation(CANDIDATES[2], LOW)))
    assert full.fidelity == FULL
    assert "drawn at random" in full.reason


def test_botorch_buys_the_cheaper_information(botorch):
    """The same accuracies, once with short trainings at a tenth of the price, once at nearly the same."""
    seen = [observation(c, LOW) for c in CANDIDATES[::4]] + [observation(c, FULL) for c in CANDIDATES[::9]]
    (cheap,) = ask("botorch_multi_fidelity", History(tuple(seen)))
    assert cheap.fidelity == LOW
    assert "most information about the best accuracy per second" in cheap.reason
    dear = [replace(s, cost_seconds=9.9, step=0) if s.fidelity == LOW else s for s in seen]
    assert ask("botorch_multi_fidelity", History(tuple(dear)))[0].fidelity == FULL


def test_botorch_trains_its_best_prediction_when_short_trainings_have_cost_as_much(botorch):
    full = [observation(c, FULL) for c in CANDIDATES[:1]]
    short = [observation(c, LOW) for c in CANDIDATES[3::3]]
    before = ask("botorch_multi_fidelity", History((*full, *short[:9])))
    assert "most information" in before[0].reason
    recommended, further = ask("botorch_multi_fidelity", History((*full, *short[:10])), at_a_time=2)
    assert recommended.fidelity == FULL
    assert "10 s of low-fidelity evaluations since the last high-fidelity one, which costs 10 s" in recommended.reason
    assert "most information" in further.reason
    known = [replace(seen, step=0) for seen in short]
    assert "most information" in ask("botorch_multi_fidelity", History((*full, *known)))[0].reason


def test_botorch_finds_the_best_sooner_than_chance(botorch):
    """Chance needs 185 s on average."""
    the_problem = problem(1)
    strategy = build_strategy("botorch_multi_fidelity", the_problem, OPTIONS["botorch_multi_fidelity"])
    trace = run_search("botorch", strategy, the_problem, (), Budget(90, 10_000), evaluate, 0, 0).trace
    assert trace["incumbent_val_accuracy"].max() > 0.895


def test_many_candidates_are_judged_in_part(botorch, monkeypatch):
    from mf_nas_kd.search.external import botorch_multi_fidelity

    monkeypatch.setattr(botorch_multi_fidelity, "CONSIDERED", 5)
    history = History((*(observation(c, LOW) for c in CANDIDATES[:4]), observation(CANDIDATES[0], FULL)))
    reason = ask("botorch_multi_fidelity", history)[0].reason
    pairs = int(reason.partition(" of ")[2].partition(" pairs")[0].split()[-1]) if "pairs" in reason else 0
    assert 5 < pairs <= 10


def test_botorch_refuses_fidelities_that_it_would_take_for_one():
    pytest.importorskip("botorch")
    with pytest.raises(InvalidValueError, match="does not tell image sizes apart"):
        ask("botorch_multi_fidelity", History(), low=(LOW, replace(LOW, image_size=4)))
