"""The pipeline ``final``."""

from mf_nas_kd.pipelines.final.pipeline import create_pipeline

__all__ = ["create_pipeline"]
