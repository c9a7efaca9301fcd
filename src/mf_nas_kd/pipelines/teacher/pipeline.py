"""Wiring of the pipeline ``teacher``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.teacher import nodes


def create_pipeline() -> Pipeline:
    """Train the teacher, from which low-fidelity evaluations distil."""
    return Pipeline(
        [
            Node(
                nodes.train_teacher,
                inputs=[
                    "images",
                    "params:teacher",
                    "params:training",
                    "params:augmentation",
                    "trained_teachers",
                    "evaluation_store",
                ],
                outputs=["teacher", "teacher_metrics", "teacher_curve", "teacher_predictions"],
                name="train_teacher",
            ),
            Node(
                nodes.draw_learning_curve,
                inputs="teacher_curve",
                outputs="teacher_curve_picture",
                name="draw_learning_curve",
            ),
            Node(
                nodes.find_teacher_errors,
                inputs=["teacher_predictions", "images", "params:correlation"],
                outputs=["teacher_confusion", "teacher_per_class_accuracy"],
                name="find_teacher_errors",
            ),
            Node(
                nodes.draw_teacher_confusion,
                inputs=["teacher_predictions", "images"],
                outputs="teacher_confusion_picture",
                name="draw_teacher_confusion",
            ),
        ],
        namespace="teacher",
        prefix_datasets_with_namespace=False,
    )
