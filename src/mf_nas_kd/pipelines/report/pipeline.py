"""Wiring of the pipeline ``report``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.report import nodes


def create_pipeline() -> Pipeline:
    """Write the report of the study."""
    return Pipeline(
        [
            Node(
                nodes.describe_network,
                inputs=[
                    "images",
                    "class_counts",
                    "duplicates",
                    "winner",
                    "references",
                    "final_trainings",
                    "winner_predictions",
                    "teacher_predictions",
                    "winner_curve",
                    "full_trainings",
                    "pareto_front",
                    "export_measurements",
                    "network_folder_path",
                    "network_folder",
                    "params:correlation",
                ],
                outputs="report_network",
                name="describe_network",
            ),
            Node(
                nodes.describe_ranking,
                inputs=[
                    "evaluation_plan",
                    "planned_evaluations",
                    "correlation_table",
                    "distillation_comparison",
                    "proxy_table",
                    "savings",
                    "winner",
                    "params:correlation",
                ],
                outputs="report_ranking",
                name="describe_ranking",
            ),
            Node(
                nodes.describe_search,
                inputs=[
                    "evaluation_plan",
                    "planned_evaluations",
                    "search_trace",
                    "search_evaluations",
                    "pareto_front",
                    "winner",
                ],
                outputs="report_search",
                name="describe_search",
            ),
            Node(
                nodes.describe_study,
                inputs=[
                    "images",
                    "class_counts",
                    "duplicates",
                    "subset_sizes",
                    "teacher_metrics",
                    "teacher_curve",
                    "evaluation_plan",
                    "planned_evaluations",
                    "precomputed_targets",
                    "winner",
                ],
                outputs="report_study",
                name="describe_study",
            ),
            Node(
                nodes.write_report,
                inputs=["images", "report_network", "report_ranking", "report_search", "report_study"],
                outputs="report",
                name="write_report",
            ),
        ],
        namespace="report",
        prefix_datasets_with_namespace=False,
    )
