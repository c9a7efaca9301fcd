"""The evaluation store: tables of an SQL database, made from the records."""

from mf_nas_kd.store.evaluation_store import EvaluationStore

__all__ = ["EvaluationStore"]
