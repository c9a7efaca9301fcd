"""Hooks that tell the bar of a whole study which stage runs."""

from __future__ import annotations

from collections import Counter

from kedro.framework.hooks import hook_impl
from kedro.pipeline import Node, Pipeline

from mf_nas_kd.progress import the_study


class StudyProgressHooks:
    """The parts of a stage are its nodes; without a bar of a study (``mf-nas-kd find``) nothing happens."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Count the nodes of each stage."""
        if (study := the_study()) is not None:
            study.expect(Counter(str(node.namespace) for node in pipeline.nodes))

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """A part of a stage begins."""
        if (study := the_study()) is not None:
            study.begin(str(node.namespace))

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """A part of a stage has ended."""
        if (study := the_study()) is not None:
            study.end(str(node.namespace))
