"""Wiring of the pipeline ``export``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.export import nodes


def create_pipeline() -> Pipeline:
    """Export the delivered network for other programs, and put together the folder that the user keeps."""
    return Pipeline(
        [
            Node(
                nodes.export_network,
                inputs=["winner_model", "images", "params:export"],
                outputs="winner_model_onnx",
                name="export_network",
            ),
            Node(
                nodes.write_network_folder,
                inputs=[
                    "winner_model",
                    "winner_model_onnx",
                    "images",
                    "winner",
                    "references",
                    "winner_predictions",
                    "winner_curve",
                    "params:correlation",
                ],
                outputs="network_folder",
                name="write_network_folder",
            ),
        ],
        namespace="export",
        prefix_datasets_with_namespace=False,
    )
