"""Kedro pipelines, one per folder, with the names under which they are run.

Nodes are adapters that call the library, and ``pipeline.py`` is wiring. Pipelines never import each other; what two of
them need is in the library.
"""

FLOW = ("data", "teacher", "evaluation", "correlation", "search", "final", "export", "report")
"""The pipelines of the whole flow, in its order."""
