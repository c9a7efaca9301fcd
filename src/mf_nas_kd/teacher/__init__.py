"""Teacher outputs: which targets a loss needs, computed online in every step, or precomputed and read from a cache.

``specification`` defines which targets, for which pairs of image and augmentation; ``target_file`` and ``cache``
keep them; ``precomputation`` computes them in batches; ``online`` and ``targets`` give a training
the targets of a batch. Letters of shapes: ``P`` pairs of image and augmentation, ``B`` images of a batch.
"""

from mf_nas_kd.teacher.cache import TargetCache
from mf_nas_kd.teacher.online import OnlineTargets, teacher_targets_of
from mf_nas_kd.teacher.specification import TargetBatch, TargetRequest, TargetSpec
from mf_nas_kd.teacher.targets import CachedTargets, TeacherTargets

__all__ = [
    "CachedTargets",
    "OnlineTargets",
    "TargetBatch",
    "TargetCache",
    "TargetRequest",
    "TargetSpec",
    "TeacherTargets",
    "teacher_targets_of",
]
