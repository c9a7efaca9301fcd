"""The pipeline ``search``."""

from mf_nas_kd.pipelines.search.pipeline import create_pipeline

__all__ = ["create_pipeline"]
