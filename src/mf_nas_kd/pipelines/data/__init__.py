"""The pipeline ``data``."""

from mf_nas_kd.pipelines.data.pipeline import create_pipeline

__all__ = ["create_pipeline"]
