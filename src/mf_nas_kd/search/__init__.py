"""Search strategies as pure functions of the history, and the loop that charges their proposals to a budget.

One strategy per file, one line per strategy in the table ``STRATEGIES``. Letters in shapes: see
:mod:`mf_nas_kd.surrogates`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, RootModel

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.registry import Options, OptionsOf, lookup
from mf_nas_kd.search.asynchronous_halving import AsynchronousHalving
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.co_kriging import CoKriging
from mf_nas_kd.search.external.botorch_front import BoTorchFront
from mf_nas_kd.search.external.botorch_multi_fidelity import BoTorchMultiFidelity
from mf_nas_kd.search.external.optuna_front import OptunaFront
from mf_nas_kd.search.external.optuna_tpe import OptunaTPE
from mf_nas_kd.search.external.smac_hyperband import SMAC
from mf_nas_kd.search.external.syne_tune_halving import SyneTuneASHA, SyneTuneMOASHA
from mf_nas_kd.search.front_objective import FrontObjective
from mf_nas_kd.search.high_fidelity_gp import HighFidelityGP
from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.hyperband import Hyperband
from mf_nas_kd.search.loop import SearchResult, run_search
from mf_nas_kd.search.low_fidelity_only import LowFidelityOnly
from mf_nas_kd.search.mf_kd import MultiFidelity
from mf_nas_kd.search.pareto import pareto_front
from mf_nas_kd.search.problem import Candidate, SearchProblem
from mf_nas_kd.search.proxy_order import ProxyOrder
from mf_nas_kd.search.random_search import RandomSearch
from mf_nas_kd.search.regularised_evolution import RegularisedEvolution
from mf_nas_kd.search.strategy import Proposal, Strategy
from mf_nas_kd.search.successive_halving import SuccessiveHalving
from mf_nas_kd.search.summary import SearchSummary
from mf_nas_kd.search.two_stage import TwoStage

STRATEGIES: Mapping[str, type[Strategy]] = {
    "random": RandomSearch,
    "proxy_order": ProxyOrder,
    "regularised_evolution": RegularisedEvolution,
    "successive_halving": SuccessiveHalving,
    "hyperband": Hyperband,
    "asynchronous_halving": AsynchronousHalving,
    "hf_gp": HighFidelityGP,
    "lf_only": LowFidelityOnly,
    "two_stage": TwoStage,
    "co_kriging": CoKriging,
    "mf_kd": MultiFidelity,
    "optuna_tpe": OptunaTPE,
    "optuna_front": OptunaFront,
    "botorch_multi_fidelity": BoTorchMultiFidelity,
    "botorch_front": BoTorchFront,
    "smac": SMAC,
    "syne_tune_asha": SyneTuneASHA,
    "syne_tune_moasha": SyneTuneMOASHA,
}


class StrategySettings(RootModel[Annotated[Mapping[str, Options], OptionsOf(STRATEGIES, "strategies")]]):
    """Options of each strategy, by its name in ``STRATEGIES``."""

    model_config = ConfigDict(frozen=True)

    def options_of(self, name: str, changes: Mapping[str, Any] | None = None) -> Options:
        """The options of a strategy.

        Args:
            name: A name in ``STRATEGIES``.
            changes: Values of those options that are to be others; None to change nothing.

        Raises:
            UnknownNameError: If the strategy is not known, or has no options here.
            pydantic.ValidationError: If a changed option is unknown or not allowed.
        """
        model = lookup(STRATEGIES, name, "strategy").Options
        options = lookup(self.root, name, "strategy without options in strategies")
        return model.model_validate({**dict(options), **changes}) if changes else options


def build_strategy(name: str, problem: SearchProblem, options: Options | Mapping[str, Any]) -> Strategy:
    """Build a strategy for a problem.

    Args:
        name: A name in ``STRATEGIES``.
        problem: Candidates and fidelities.
        options: An instance of the strategy's ``Options``, or its fields.

    Raises:
        UnknownNameError: If the strategy is not known.
        InvalidValueError: If it does not search for the problem's objective.
        pydantic.ValidationError: If an option is missing, unknown, or not allowed.
    """
    strategy = lookup(STRATEGIES, name, "search.strategy")
    if problem.objective_name not in strategy.objectives:
        able = [other for other, each in STRATEGIES.items() if problem.objective_name in each.objectives]
        allowed = f"{' or '.join(strategy.objectives)} with {name}; strategies that can: {', '.join(able)}"
        raise InvalidValueError("search.objective", problem.objective_name, allowed)
    return strategy(problem, strategy.Options.model_validate(options))


__all__ = [
    "STRATEGIES",
    "Budget",
    "Candidate",
    "FrontObjective",
    "History",
    "Observation",
    "Proposal",
    "SearchProblem",
    "SearchResult",
    "SearchSummary",
    "Strategy",
    "StrategySettings",
    "build_strategy",
    "pareto_front",
    "run_search",
]
