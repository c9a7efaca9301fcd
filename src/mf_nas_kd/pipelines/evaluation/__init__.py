"""The pipeline ``evaluation``."""

from mf_nas_kd.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
