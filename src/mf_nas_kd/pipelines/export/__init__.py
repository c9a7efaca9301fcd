"""The pipeline ``export``."""

from mf_nas_kd.pipelines.export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
