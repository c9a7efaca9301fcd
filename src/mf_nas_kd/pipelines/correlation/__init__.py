"""The pipeline ``correlation``."""

from mf_nas_kd.pipelines.correlation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
