"""Wiring of the pipeline ``report``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.report import nodes


def create_pipeline() -> Pipeline:
    """Write the report of the study."""
    return Pipeline(
        [
            Node(
                nodes.write_report,
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
                    "correlation_table",
                    "distillation_comparison",
                    "proxy_table",
                    "search_trace",
                    "search_evaluations",
                    "full_trainings",
                    "pareto_front",
                    "export_measurements",
                    "winner",
                    "references",
                    "final_trainings",
                    "winner_predictions",
                    "teacher_predictions",
                    "winner_curve",
                    "network_folder_path",
                    "network_folder",
                    "savings",
                    "params:correlation",
                ],
                outputs="report",
                name="write_report",
            ),
        ],
        namespace="report",
        prefix_datasets_with_namespace=False,
    )
