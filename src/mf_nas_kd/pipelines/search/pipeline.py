"""Wiring of the pipeline ``search``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.search import nodes


def create_pipeline() -> Pipeline:
    """Search for the best architecture within the budget."""
    return Pipeline(
        [
            Node(
                nodes.sample_pool,
                inputs=["images", "subset_order", "candidates", "evaluation_store", "params:space", "params:search"],
                outputs="search_pool",
                name="sample_pool",
            ),
            Node(
                nodes.compute_pool_proxies,
                inputs=[
                    "search_pool",
                    "candidate_proxies",
                    "images",
                    "teacher",
                    "proxy_folder",
                    "evaluation_plan",
                    "planned_evaluations",
                    "params:candidates",
                    "params:training",
                    "params:executor",
                    "params:correlation",
                    "params:metric",
                ],
                outputs="pool_proxies",
                name="compute_pool_proxies",
            ),
            Node(
                nodes.search,
                inputs=[
                    "search_pool",
                    "pool_proxies",
                    "images",
                    "subset_order",
                    "teacher",
                    "teacher_folder",
                    "paused_folder",
                    "evaluation_plan",
                    "planned_evaluations",
                    "evaluation_store",
                    "params:space",
                    "params:training",
                    "params:augmentation",
                    "params:distillation",
                    "params:executor",
                    "params:search",
                    "params:strategies",
                    "params:evaluation",
                    "params:metric",
                ],
                outputs=["search_trace", "search_outcome", "full_trainings", "search_evaluations"],
                name="search",
            ),
            Node(
                nodes.draw_search_progress,
                inputs=["search_trace", "evaluation_plan", "params:metric"],
                outputs="search_progress_picture",
                name="draw_search_progress",
            ),
        ],
        namespace="search",
        prefix_datasets_with_namespace=False,
    )
