"""The final stage: finalists and reference networks are trained to the end, in the way that suits the finalists best.

In order: every finalist plainly; with each distillation configuration, unless a plain finalist is better than the
teacher; in the way with the highest mean score, with further seeds; then the reference networks in this way. The score
is the metric that selects, of the validation images; the test images are looked at by nothing here.

References:
    Beyer, Zhai, Royer, Markeeva, Anil, Kolesnikov (2022). Knowledge distillation: A good teacher is patient and
    consistent. CVPR: long schedules, and teacher and student that see the same image.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.records import Architecture, Costs, Evaluation, EvaluationRequest, Fidelity, Metric
from mf_nas_kd.studies.final_budget import ExpectedCost, FinalPlan, affordable, affordable_seeds

logger = logging.getLogger(__name__)

PLAIN = "none"

Train = Callable[[Sequence[EvaluationRequest]], Sequence[Evaluation]]


@dataclass(frozen=True)
class FinalNetwork:
    """A network of the final stage.

    Attributes:
        name: Stable name of a candidate, or the usual name of a reference network.
        role: ``finalist``, ``cheaper`` (cheaper equivalent) or ``reference``.
        architecture: The architecture.
        costs: What it costs to run.
    """

    name: str
    role: str
    architecture: Architecture
    costs: Costs


@dataclass(frozen=True)
class FinalTraining:
    """One final training.

    Attributes:
        network: What was trained.
        evaluation: Its record.
    """

    network: FinalNetwork
    evaluation: Evaluation

    @property
    def way(self) -> str:
        """Name of the distillation configuration."""
        return self.evaluation.fidelity.distillation


@dataclass
class FinalStage:
    """The final stage of a study.

    Attributes:
        epochs: Epochs of every training.
        ways: Names of the distillation configurations that are tried beside plain training.
        seeds: Seeds of the trainings of each network, the first one first.
        budget_seconds: Limit of the costs of all trainings, in seconds of training.
        expected: Expected cost of a training.
        metric: The metric whose value for the validation images chooses.
        train: Makes evaluations, in the order of the requests.
        trainings: All trainings so far, in the order in which they were asked for.
        warnings: What the user must know, as sentences.
        teacher_worth: What the comparison of the teacher with plain finalists gave, as a sentence.
        way: Name of the distillation configuration that was chosen.
        planned: Number of trainings that the budget was expected to afford at the beginning.
        made: Number of trainings that this run has made.
    """

    epochs: int
    ways: tuple[str, ...]
    seeds: tuple[int, ...]
    budget_seconds: float
    expected: ExpectedCost
    metric: Metric
    train: Train
    trainings: list[FinalTraining] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    teacher_worth: str = ""
    way: str = PLAIN
    planned: int = 1
    made: int = 0

    @property
    def fraction(self) -> float:
        """About how much of the stage is done, in [0, 1]."""
        return min(1.0, max(self.made, len(self.trainings)) / self.planned)

    def run(
        self,
        finalists: Sequence[FinalNetwork],
        references_within: Callable[[int], Sequence[FinalNetwork]],
        teacher_score: float,
    ) -> FinalNetwork:
        """Train everything that the budget affords.

        Args:
            finalists: Finalists, the best one first, then cheaper equivalents.
            references_within: Makes the reference networks for a winner with a number of multiply-accumulates, the most
                important one first.
            teacher_score: Value of the metric for the teacher and the validation images, in [0, 1].

        Returns:
            The winner: the finalist with the highest mean score over seeds.

        Raises:
            TrainingFailedError: If no training of a finalist finished.
        """
        references = references_within(max(each.costs.macs for each in finalists))
        plan = self._affordable(finalists, references)
        self.planned = plan.trainings
        kept = finalists[: plan.finalists]
        self._train(kept, PLAIN, self.seeds[:1])
        if self._is_worth_distilling(kept, teacher_score):
            for way in self.ways[: plan.distilled]:
                if self._is_affordable(way):
                    self._train(kept, way, self.seeds[:1])
        self.way = self.chosen_way(kept)
        seeds, references = self._still_affordable(kept, references)
        self._train(kept, self.way, seeds[1:])
        winner = self.winner(kept)
        self._train(references_within(winner.costs.macs)[: len(references)], self.way, seeds)
        self._tell_failures()
        spent, wanted = self.spent_seconds, self.budget_seconds
        logger.info("Final trainings: %d, %.0f of %g s of training", len(self.trainings), spent, wanted)
        return winner

    @property
    def spent_seconds(self) -> float:
        """Costs of all trainings, also of those that the store had, in seconds of training."""
        return sum(each.evaluation.charged_seconds for each in self.trainings)

    def of(self, network: FinalNetwork, way: str) -> list[FinalTraining]:
        """Finished trainings of a network in one way, in the order of the seeds."""
        return [
            each for each in self.trainings if each.network == network and each.way == way and each.evaluation.finished
        ]

    def mean_score(self, network: FinalNetwork, way: str) -> float:
        """Mean over the seeds of the metric for the validation images; -inf if no training finished."""
        scores = [self._score(each) for each in self.of(network, way)]
        return float(np.mean(scores)) if scores else -np.inf

    def _score(self, training: FinalTraining) -> float:
        score = self.metric.of(training.evaluation.metrics)
        return -np.inf if score is None else score

    def chosen_way(self, finalists: Sequence[FinalNetwork]) -> str:
        """The way with the highest mean score; of equal ones, that tried first.

        The mean is over the finalists that finished in every way.
        """
        tried = list(dict.fromkeys(each.way for each in self.trainings))
        finished = [each for each in finalists if all(self.of(each, way) for way in tried)]
        if finished:
            means = {way: float(np.mean([self.mean_score(each, way) for each in finished])) for way in tried}
        else:  # every finalist failed in some way
            means = {way: max(self.mean_score(each, way) for each in finalists) for way in tried}
        best = max(means, key=lambda way: means[way])
        if means[best] == -np.inf:
            first = self.trainings[0].evaluation.error
            raise TrainingFailedError(f"no final training of a finalist finished; the first: {first}")
        told = ", ".join(f"{way} {100 * mean:.2f} %" for way, mean in means.items() if mean > -np.inf)
        logger.info("Final trainings use %s: mean validation %s of the finalists: %s", best, self.metric.label, told)
        return best

    def winner(self, finalists: Sequence[FinalNetwork]) -> FinalNetwork:
        """The finalist with the highest mean score in the chosen way; of equal ones, the cheapest.

        One of which more trainings finished comes before one of which fewer did.
        """

        def rank(network: FinalNetwork) -> tuple[int, float, int]:
            finished = len(self.of(network, self.way))
            return finished, self.mean_score(network, self.way), -network.costs.macs

        return max(finalists, key=rank)

    @property
    def outcome(self) -> dict[str, Any]:
        """What was chosen and found, as values of JSON."""
        return {
            "metric": self.metric.name,
            "epochs": self.epochs,
            "distillation": self.way,
            "final_seconds": self.spent_seconds,
            "teacher_worth": self.teacher_worth,
            "warnings": self.warnings,
        }

    def _train(self, networks: Sequence[FinalNetwork], way: str, seeds: Sequence[int]) -> None:
        fidelity = Fidelity(Fraction(1), self.epochs, distillation=way)
        wanted = [(network, seed) for seed in seeds for network in networks]
        known = {(each.network, each.evaluation.seed) for each in self.trainings if each.way == way}
        new = [pair for pair in wanted if pair not in known]
        evaluations = self.train([EvaluationRequest(network.architecture, fidelity, seed) for network, seed in new])
        self.trainings += [
            FinalTraining(network, evaluation) for (network, _), evaluation in zip(new, evaluations, strict=True)
        ]

    def _affordable(self, finalists: Sequence[FinalNetwork], references: Sequence[FinalNetwork]) -> FinalPlan:
        """The plan within the budget; what it takes is told before it begins."""
        costs = [[self.expected(each.costs, self.epochs) for each in networks] for networks in (finalists, references)]
        wanted = FinalPlan(len(finalists), len(self.ways), len(self.seeds), len(references))
        plan = affordable(wanted, self.budget_seconds, *costs)
        logger.info(
            "Final stage: %d networks and %d references, up to %d trainings of %d epochs: about %.0f s of training "
            "(final.budget_seconds: %g)",
            plan.finalists,
            plan.references,
            plan.trainings,
            self.epochs,
            plan.seconds(*costs),
            self.budget_seconds,
        )
        if (plan.finalists, plan.distilled) != (wanted.finalists, wanted.distilled):
            self._warn(
                f"final.budget_seconds, {self.budget_seconds:g}, affords {plan.finalists} of {wanted.finalists} "
                f"finalists and {plan.distilled} of {wanted.distilled} distillation configurations; everything would "
                f"take about {wanted.seconds(*costs):.0f} s of training"
            )
        if plan.seconds(*costs) > self.budget_seconds:
            self._warn(
                f"one plain training of one finalist, the least that the stage does, takes about "
                f"{plan.seconds(*costs):.0f} s, more than final.budget_seconds"
            )
        return plan

    def _still_affordable(
        self, finalists: Sequence[FinalNetwork], references: Sequence[FinalNetwork]
    ) -> tuple[tuple[int, ...], Sequence[FinalNetwork]]:
        """Seeds and reference networks that what is left affords, by the costs that the finalists' trainings had."""
        measured = [each.evaluation.charged_seconds for each in self.trainings if each.way == self.way]
        expected = [self.expected(each.costs, self.epochs) for each in finalists]
        busier = sum(measured) / sum(expected) if sum(expected) > 0 else 1.0
        costs = [busier * self.expected(each.costs, self.epochs) for each in references]
        left = self.budget_seconds - self.spent_seconds
        seeds, count = affordable_seeds(len(self.seeds), left, measured, costs)
        if seeds < len(self.seeds) or count < len(references):
            self._warn(
                f"what is left of final.budget_seconds, {left:.0f} of {self.budget_seconds:g}, affords {seeds} of "
                f"{len(self.seeds)} seeds and {count} of {len(references)} reference networks"
            )
        return self.seeds[:seeds], references[:count]

    def _is_worth_distilling(self, finalists: Sequence[FinalNetwork], teacher_score: float) -> bool:
        best = max(self.mean_score(each, PLAIN) for each in finalists)
        if best == -np.inf:
            self.teacher_worth = "No plain training of a finalist finished, so the teacher was not compared with one."
            return bool(self.ways)
        compared = (
            f"The teacher's validation {self.metric.label} is {100 * teacher_score:.2f} %, that of the best finalist "
            f"without it {100 * best:.2f} %"
        )
        if teacher_score > best or not self.ways:
            self.teacher_worth = f"{compared}."
            return bool(self.ways)
        self.teacher_worth = (
            f"{compared}: nothing is distilled from it. Train it for longer (teacher.epochs), "
            "take a larger one (teacher.options), or one that was trained on more images (teacher.weights)."
        )
        self._warn(self.teacher_worth.removesuffix("."))
        return False

    def _is_affordable(self, way: str) -> bool:
        """Whether the budget affords one more training of each finalist, by what the plain ones cost."""
        plain = sum(each.evaluation.charged_seconds for each in self.trainings if each.way == PLAIN)
        left = self.budget_seconds - self.spent_seconds
        if plain > left:
            self._warn(f"{way} is not tried: {left:.0f} of {self.budget_seconds:g} s of final.budget_seconds are left")
        return plain <= left

    def _tell_failures(self) -> None:
        failed = [each for each in self.trainings if not each.evaluation.finished]
        if failed:
            first = f"{failed[0].network.name}: {failed[0].evaluation.error}"
            self._warn(f"{len(failed)} of {len(self.trainings)} final trainings failed; the first, {first}")

    def _warn(self, sentence: str) -> None:
        self.warnings.append(f"{sentence}.")
        logger.warning("%s", sentence)
