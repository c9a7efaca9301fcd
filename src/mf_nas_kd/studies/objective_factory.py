"""The objective of a resolved training: cross-entropy, and a distillation term with its teacher targets."""

from __future__ import annotations

from mf_nas_kd.distillation import DistillationLoss
from mf_nas_kd.studies.resolution import ResolvedTraining
from mf_nas_kd.studies.study_teacher import StudyTeacher
from mf_nas_kd.studies.training_context import TrainingContext
from mf_nas_kd.teacher import OnlineTargets, TeacherTargets
from mf_nas_kd.training import DistillationTerm, Objective


class ObjectiveFactory:
    """Builds the objective of every training of a study.

    Args:
        context: What all trainings of the study share.
        teacher: The teacher of the study.
    """

    def __init__(self, context: TrainingContext, teacher: StudyTeacher) -> None:
        self._context = context
        self._teacher = teacher

    def objective(self, training: ResolvedTraining) -> Objective:
        """Build the objective of a training; adapters of the loss come from torch's global generator.

        Raises:
            InvalidValueError: If the loss refuses its options or the teacher.
        """
        smoothing, spec = training.hyper_parameters.label_smoothing, training.target_spec
        weights = self._context.class_weights(training.hyper_parameters, training.subset)
        if spec is None:
            return Objective(smoothing, class_weights=weights)
        loss = self._teacher.loss(spec, len(training.subset))
        targets = self._targets(training, loss)
        term = DistillationTerm(training.distillation, loss, targets, training.gradient_norm_ratio)
        return Objective(smoothing, term, weights)

    def warm_up(self, training: ResolvedTraining) -> None:
        """Do what is done once in a process, or once after targets were appended, before a training's clock starts.

        Raises:
            InvalidValueError: As :meth:`objective`.
        """
        spec, cache = training.cached_spec, self._teacher.cache
        if spec is None or cache is None:
            return
        cache.check(self._teacher.file_of(spec, cache))
        _ = training.pairs  # kept for the look-up: the permutations of all epochs are not drawn within the clock again

    def _targets(self, training: ResolvedTraining, loss: DistillationLoss) -> TeacherTargets:
        """Cached targets if all that the training will see are there, else the teacher's forward pass in every step."""
        spec, cache = training.cached_spec, self._teacher.cache
        if spec is not None and cache is not None:
            file, index = self._teacher.file_of(spec, cache), training.draws.index
            cached = cache.look_up(file, training.pairs, training.subset.positions, index, self._context.device)
            if cached is not None:
                return cached
        return OnlineTargets(self._teacher.network, loss)
