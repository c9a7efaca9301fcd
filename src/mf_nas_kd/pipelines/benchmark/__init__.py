"""The pipeline ``benchmark``."""

from mf_nas_kd.pipelines.benchmark.pipeline import create_pipeline

__all__ = ["create_pipeline"]
