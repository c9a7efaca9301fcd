"""The pipeline ``teacher``."""

from mf_nas_kd.pipelines.teacher.pipeline import create_pipeline

__all__ = ["create_pipeline"]
