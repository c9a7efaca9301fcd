"""The evaluator that looks up what a training is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from mf_nas_kd import __version__
from mf_nas_kd.evaluation.executors import Executor
from mf_nas_kd.evaluation.fidelity import Fidelity
from mf_nas_kd.evaluation.record import Evaluation, EvaluationRequest, Status, TeacherFill, now
from mf_nas_kd.evaluation.tables.table import FIDELITY_COLUMNS, BenchmarkTable
from mf_nas_kd.seeding import fingerprint
from mf_nas_kd.spaces.architecture import Architecture


class TabularEvaluator:
    """Looks evaluations up in a table. The seed does not matter: a table has one training of each kind.

    What the table lacks is a failed evaluation that cost nothing. Counts of a narrowed network are those of the whole
    one times the square of the width, which is nearly so.

    Args:
        table: Of one space on one dataset.
    """

    def __init__(self, table: BenchmarkTable) -> None:
        self._name = table.name
        self._dataset = table.dataset
        self._costs = {row.architecture_id: (row.macs, row.params) for row in table.candidates.itertuples()}
        self._measured = {
            (row.architecture_id, fidelity): (_number(row.val_accuracy), _number(row.test_accuracy), row.cost_seconds)
            for _, group in table.evaluations.groupby(list(FIDELITY_COLUMNS))
            for fidelity in [Fidelity.from_columns(group.iloc[0])]
            for row in group.itertuples()
        }
        content = pd.util.hash_pandas_object(table.evaluations, index=False).to_numpy()
        self._fingerprint = fingerprint([table.dataset, table.space, hashlib.sha256(content.tobytes()).hexdigest()])
        self._looked_up_at = now()
        self._records: dict[tuple[str, Fidelity, int], Evaluation] = {}

    def key(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> str:
        kind = [float(fidelity.train_fraction), fidelity.epochs, fidelity.width, fidelity.distillation]
        return fingerprint([self._fingerprint, architecture.id, *kind], length=32)

    def evaluate(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> Evaluation:
        place = (architecture.id, fidelity, seed)
        if place not in self._records:  # a record is made once: replayed searches ask for the same ones again and again
            self._records[place] = self._look_up(architecture, fidelity, seed)
        return self._records[place]

    def prepare(self, requests: Iterable[EvaluationRequest], workers: Executor) -> Iterator[TeacherFill]:
        return iter(())  # a table asks no teacher

    def failure(self, architecture: Architecture, fidelity: Fidelity, seed: int, error: str) -> Evaluation:
        return self._record(architecture, fidelity, seed, (None, None, 0.0), error)

    def _look_up(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> Evaluation:
        measured = self._measured.get((architecture.id, fidelity))
        if measured is not None:
            return self._record(architecture, fidelity, seed, measured, error="")
        missing = f"an evaluation with {fidelity}" if architecture.id in self._costs else "any evaluation"
        return self.failure(
            architecture, fidelity, seed, f"the table {self._name} lacks {missing} of {architecture.id}"
        )

    def _record(
        self,
        architecture: Architecture,
        fidelity: Fidelity,
        seed: int,
        measured: tuple[float | None, float | None, float],
        error: str,
    ) -> Evaluation:
        validation, test, seconds = measured
        macs, params = (round(count * fidelity.width**2) for count in self._costs.get(architecture.id, (0, 0)))
        return Evaluation(
            key=self.key(architecture, fidelity, seed),
            space=architecture.space,
            architecture_id=architecture.id,
            architecture=architecture.specification,
            train_fraction=float(fidelity.train_fraction),
            epochs=fidelity.epochs,
            width=fidelity.width,
            distillation=fidelity.distillation,
            seed=seed,
            dataset=self._dataset,
            dataset_fingerprint=self._fingerprint,
            teacher_fingerprint="",
            status=Status.FAILED if error else Status.FINISHED,
            error=error,
            val_accuracy=validation,
            test_accuracy=test,
            cost_seconds=seconds,
            macs=macs,
            params=params,
            device="table",
            code_version=__version__,
            finished_at=self._looked_up_at,
        )


def _number(accuracy: float) -> float | None:
    return None if np.isnan(accuracy) else float(accuracy)
