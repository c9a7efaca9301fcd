"""Where evaluations are kept: tables of any SQL database, made from the records."""

from mf_nas_kd.store.evaluation_store import EvaluationStore

__all__ = ["EvaluationStore"]
