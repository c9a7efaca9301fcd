"""SMAC3's multi-fidelity facade: Hyperband, with new candidates by expected improvement of a random forest.

References:
    Lindauer et al. (2022). SMAC3: A Versatile Bayesian Optimization Package for Hyperparameter Optimization. JMLR 23.
    Li et al. (2018). Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization. JMLR 18.
    Falkner, Klein, Hutter (2018). BOHB: Robust and Efficient Hyperparameter Optimization at Scale. ICML: the
    combination. Difference of SMAC: a random forest instead of density estimates.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.registry import Options
from mf_nas_kd.search.external import require
from mf_nas_kd.search.external.ask_tell import AskTell, Session
from mf_nas_kd.search.external.optuna_tpe import axes_of
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem


class SMACOptions(Options):
    """Options of :class:`SMAC`.

    Attributes:
        reduction_factor: One in so many candidates goes on to the next rung; a whole number above 1.
    """

    reduction_factor: int = Field(gt=1)


class SMAC(AskTell):
    """SMAC's multi-fidelity facade, with all settings its own.

    The choices of the architecture are SMAC's parameters, ordinal and categorical ones as the features encode them. Its
    acquisition function is maximised over the candidates, and its random points are candidates.

    The largest bracket begins with as many candidates as ``reduction_factor`` to the power of the number of reductions.
    Where there are fewer, the lowest rungs are left out.

    Raises:
        MissingPackageError: If SMAC is not installed.
    """

    Options = SMACOptions
    options: SMACOptions
    optimiser = "SMAC"
    package = "smac"

    def __init__(self, problem: SearchProblem, options: SMACOptions) -> None:
        require("smac", "smac")
        super().__init__(problem, options)
        self._axes = axes_of(problem.candidates)

    def rungs_of(self, history: History) -> tuple[Fidelity, ...]:
        ladder = super().rungs_of(history)
        while self.options.reduction_factor ** (len(ladder) - 1) > len(self.problem.candidates):
            ladder = ladder[1:]
        return ladder

    def begin(self, ladder: Sequence[Fidelity], order: Sequence[int], seed: int) -> Session:
        from mf_nas_kd.search.external.smac_session import SMACSession

        return SMACSession(self._axes, order, len(ladder), self.options.reduction_factor, seed)
