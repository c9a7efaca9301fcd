"""Wiring of the pipeline ``export``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.export import nodes


def create_pipeline() -> Pipeline:
    """Export the delivered network for other programs, measure it, and put together the folder that the user keeps."""
    return Pipeline(
        [
            Node(
                nodes.export_network,
                inputs=["winner_model", "images", "params:export", "params:metric"],
                outputs=["network_graph", "network_graph_int8"],
                name="export_network",
            ),
            Node(
                nodes.deploy_network,
                inputs=["network_graph", "network_graph_int8", "winner_model", "images", "params:export"],
                outputs=["winner_model_onnx", "winner_model_int8"],
                name="deploy_network",
            ),
            Node(
                nodes.measure_models,
                inputs=[
                    "network_graph",
                    "network_graph_int8",
                    "winner_model_onnx",
                    "winner_model_int8",
                    "images",
                    "winner",
                    "params:metric",
                    "params:correlation",
                ],
                outputs="export_measurements",
                name="measure_models",
            ),
            Node(
                nodes.write_network_folder,
                inputs=[
                    "winner_model",
                    "winner_model_onnx",
                    "winner_model_int8",
                    "images",
                    "winner",
                    "references",
                    "winner_predictions",
                    "winner_curve",
                    "export_measurements",
                    "params:correlation",
                ],
                outputs="network_folder",
                name="write_network_folder",
            ),
            Node(
                nodes.log_model,
                inputs=["winner_model_onnx", "network_folder", "images", "winner", "export_measurements"],
                outputs=None,
                name="log_model",
            ),
        ],
        namespace="export",
        prefix_datasets_with_namespace=False,
    )
