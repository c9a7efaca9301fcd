"""The pipeline ``report``."""

from mf_nas_kd.pipelines.report.pipeline import create_pipeline

__all__ = ["create_pipeline"]
