"""Names and values that MLflow takes, made from any text in one place."""

from __future__ import annotations

import hashlib
import re

from mf_nas_kd.records.fields import storable

LONGEST_KEY = 250  # limits of MLflow
LONGEST_EXPERIMENT = 500
LONGEST_VALUE = 6000  # of a parameter; that of a tag is larger

_REFUSED = re.compile(r"[^/\w.\- ]")
_DIGITS = 8


def safe_key(name: str) -> str:
    """A name that MLflow takes for a metric, a parameter, a tag, or a folder of artifacts.

    Different names stay different: one that has to be changed ends with a hash of what it was.

    >>> safe_key("search.budget_seconds")
    'search.budget_seconds'
    >>> safe_key("kd, T=4")
    'kd_ T_4 4a466179'
    """
    parts = [_REFUSED.sub("_", part) if part not in {"", ".", ".."} else "_" for part in name.split("/")]
    return _marked("/".join(parts), name, LONGEST_KEY)


def safe_experiment(name: str) -> str:
    """A name that MLflow takes for an experiment; a text that is none is ``_``, and a long one is cut."""
    return _marked(safe_value(name) or "_", name, LONGEST_EXPERIMENT)


def safe_model(name: str) -> str:
    """A name that MLflow takes for a registered model.

    >>> safe_model("mf-nas-kd-digits")
    'mf-nas-kd-digits'
    >>> safe_model("mf-nas-kd-cats/dogs")
    'mf-nas-kd-cats_dogs 926d9bbe'
    """
    return _marked(re.sub(r"[^\w.\- ]", "_", name), name, LONGEST_KEY)


def safe_value(value: object) -> str:
    """The text of a value as a database takes it; a long one is cut."""
    return storable(str(value))[:LONGEST_VALUE]


def _marked(changed: str, name: str, longest: int) -> str:
    """The changed name, or, if it differs from the name or is too long, its beginning and a hash of the name."""
    if changed == name and len(changed) <= longest:
        return changed
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{changed[: longest - _DIGITS - 1]} {digest}"
