"""Wiring of the pipeline ``final``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.final import nodes


def create_pipeline() -> Pipeline:
    """Train the finalists of the search and reference networks to the end, and deliver the best finalist."""
    return Pipeline(
        [
            Node(
                nodes.choose_finalists,
                inputs=[
                    "search_pool",
                    "pool_proxies",
                    "evaluation_plan",
                    "planned_evaluations",
                    "search_trace",
                    "search_outcome",
                    "images",
                    "evaluation_store",
                    "params:space",
                    "params:final",
                    "params:metric",
                ],
                outputs="finalists",
                name="choose_finalists",
            ),
            Node(
                nodes.train_final_networks,
                inputs=[
                    "finalists",
                    "search_pool",
                    "search_outcome",
                    "images",
                    "subset_order",
                    "teacher",
                    "teacher_metrics",
                    "teacher_folder",
                    "final_networks",
                    "evaluation_plan",
                    "planned_evaluations",
                    "evaluation_store",
                    "params:training",
                    "params:augmentation",
                    "params:distillation",
                    "params:executor",
                    "params:evaluation",
                    "params:final",
                    "params:metric",
                ],
                outputs=["final_trainings", "final_outcome"],
                name="train_final_networks",
            ),
            Node(
                nodes.compare_networks,
                inputs=[
                    "final_trainings",
                    "final_outcome",
                    "final_networks",
                    "images",
                    "teacher",
                    "params:training",
                    "params:correlation",
                    "params:metric",
                ],
                outputs=["references", "final_comparison"],
                name="compare_networks",
            ),
            Node(
                nodes.deliver_winner,
                inputs=[
                    "search_outcome",
                    "final_outcome",
                    "final_trainings",
                    "references",
                    "final_comparison",
                    "final_networks",
                    "images",
                    "params:metric",
                ],
                outputs=["winner", "winner_model", "winner_predictions", "winner_curve"],
                name="deliver_winner",
            ),
            Node(
                nodes.measure_final_networks,
                inputs=["final_trainings", "search_outcome", "images", "evaluation_store"],
                outputs="final_device_costs",
                name="measure_final_networks",
            ),
            Node(
                nodes.find_pareto_front,
                inputs=["final_trainings", "final_device_costs", "params:metric"],
                outputs=["pareto_front", "latency_pareto_front"],
                name="find_pareto_front",
            ),
            Node(
                nodes.draw_pareto_front,
                inputs=["full_trainings", "pareto_front", "winner", "references"],
                outputs="pareto_front_picture",
                name="draw_pareto_front",
            ),
        ],
        namespace="final",
        prefix_datasets_with_namespace=False,
    )
