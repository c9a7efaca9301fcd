"""Wiring of the pipeline ``data``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.data import nodes


def create_pipeline() -> Pipeline:
    """Decode and split the images, look for duplicates, and order the images into nested subsets."""
    return Pipeline(
        [
            Node(
                nodes.load_images,
                inputs=["params:images", "pixel_folder"],
                outputs="images",
                name="load_images",
            ),
            Node(
                nodes.order_subsets,
                inputs=["images", "params:subsets"],
                outputs=["subset_order", "subset_sizes"],
                name="order_subsets",
            ),
            Node(nodes.count_classes, inputs="images", outputs="class_counts", name="count_classes"),
            Node(
                nodes.list_duplicates,
                inputs=["images", "params:images"],
                outputs=["duplicates", "duplicates_picture"],
                name="list_duplicates",
            ),
            Node(nodes.draw_sample_images, inputs="images", outputs="sample_images_picture", name="draw_sample_images"),
        ],
        namespace="data",
        prefix_datasets_with_namespace=False,
    )
