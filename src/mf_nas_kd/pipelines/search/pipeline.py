"""Wiring of the pipeline ``search``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.search import nodes


def create_pipeline() -> Pipeline:
    """Search for the best architecture within the budget, and train the winner."""
    return Pipeline(
        [
            Node(
                nodes.sample_pool,
                inputs=["images", "subset_order", "candidates", "params:space", "params:search"],
                outputs="search_pool",
                name="sample_pool",
            ),
            Node(
                nodes.search,
                inputs=[
                    "search_pool",
                    "images",
                    "subset_order",
                    "teacher",
                    "teacher_folder",
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
                ],
                outputs=["search_trace", "search_outcome", "full_trainings"],
                name="search",
            ),
            Node(nodes.find_pareto_front, inputs="full_trainings", outputs="pareto_front", name="find_pareto_front"),
            Node(
                nodes.train_winner,
                inputs=[
                    "search_outcome",
                    "full_trainings",
                    "images",
                    "subset_order",
                    "params:training",
                    "params:augmentation",
                    "params:distillation",
                ],
                outputs=["winner", "winner_model", "winner_model_onnx"],
                name="train_winner",
            ),
            Node(
                nodes.draw_search_progress,
                inputs=["search_trace", "evaluation_plan"],
                outputs="search_progress_picture",
                name="draw_search_progress",
            ),
            Node(
                nodes.draw_pareto_front,
                inputs=["full_trainings", "pareto_front", "winner"],
                outputs="pareto_front_picture",
                name="draw_pareto_front",
            ),
        ],
        namespace="search",
        prefix_datasets_with_namespace=False,
    )
