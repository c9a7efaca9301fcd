"""Wiring of the pipeline ``evaluation``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.evaluation import nodes


def create_pipeline() -> Pipeline:
    """Sample candidates, and evaluate them at every fidelity."""
    return Pipeline(
        [
            Node(
                nodes.sample_candidates,
                inputs=["images", "evaluation_store", "params:space", "params:candidates"],
                outputs="candidates",
                name="sample_candidates",
            ),
            Node(
                nodes.compute_proxies,
                inputs=[
                    "candidates",
                    "images",
                    "teacher",
                    "proxy_folder",
                    "params:candidates",
                    "params:training",
                    "params:executor",
                ],
                outputs="candidate_proxies",
                name="compute_proxies",
            ),
            Node(
                nodes.plan_evaluations,
                inputs=[
                    "candidates",
                    "images",
                    "subset_order",
                    "teacher",
                    "params:evaluation",
                    "params:training",
                    "params:augmentation",
                    "params:distillation",
                ],
                outputs="evaluation_plan",
                name="plan_evaluations",
            ),
            Node(
                nodes.evaluate_candidates,
                inputs=[
                    "evaluation_plan",
                    "images",
                    "subset_order",
                    "teacher",
                    "teacher_folder",
                    "paused_folder",
                    "evaluation_store",
                    "params:evaluation",
                    "params:training",
                    "params:augmentation",
                    "params:distillation",
                    "params:executor",
                    "params:metric",
                ],
                outputs=["evaluations", "planned_evaluations"],
                name="evaluate_candidates",
            ),
        ],
        namespace="evaluation",
        prefix_datasets_with_namespace=False,
    )
