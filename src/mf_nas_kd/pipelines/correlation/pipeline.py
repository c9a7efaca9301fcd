"""Wiring of the pipeline ``correlation``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.correlation import nodes


def create_pipeline() -> Pipeline:
    """Measure how well low-fidelity evaluations and zero-cost proxies rank the candidates."""
    return Pipeline(
        [
            Node(
                nodes.correlate,
                inputs=[
                    "evaluation_plan",
                    "planned_evaluations",
                    "device_costs",
                    "candidate_proxies",
                    "images",
                    "params:correlation",
                    "params:metric",
                ],
                outputs=["correlation_table", "distillation_comparison", "proxy_table"],
                name="correlate",
            ),
            Node(
                nodes.measure_savings,
                inputs=[
                    "evaluation_plan",
                    "planned_evaluations",
                    "candidates",
                    "params:benchmark",
                    "params:strategies",
                    "params:correlation",
                    "params:metric",
                ],
                outputs="savings",
                name="measure_savings",
            ),
            Node(
                nodes.draw_correlation_against_cost,
                inputs="correlation_table",
                outputs="correlation_picture",
                name="draw_correlation_against_cost",
            ),
            Node(
                nodes.draw_low_against_full,
                inputs=["evaluation_plan", "planned_evaluations", "params:metric"],
                outputs="low_against_full_picture",
                name="draw_low_against_full",
            ),
        ],
        namespace="correlation",
        prefix_datasets_with_namespace=False,
    )
