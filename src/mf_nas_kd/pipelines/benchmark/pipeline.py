"""Wiring of the pipeline ``benchmark``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from mf_nas_kd.pipelines.benchmark import nodes


def create_pipeline() -> Pipeline:
    """Replay searches on finished studies, to compare the costs at which strategies find the best candidate."""
    return Pipeline(
        [
            Node(
                nodes.list_candidates,
                inputs="benchmark_tables",
                outputs="benchmark_candidates",
                name="list_candidates",
            ),
            Node(
                nodes.correlate_tables,
                inputs=["benchmark_tables", "params:correlation", "params:metric"],
                outputs="benchmark_correlation",
                name="correlate_tables",
            ),
            Node(
                nodes.replay_searches,
                inputs=["benchmark_tables", "params:benchmark", "params:strategies", "params:metric"],
                outputs=["benchmark_search", "benchmark_traces"],
                name="replay_searches",
            ),
            Node(
                nodes.summarise_searches,
                inputs=["benchmark_search", "params:correlation"],
                outputs="benchmark_search_summary",
                name="summarise_searches",
            ),
            Node(
                nodes.draw_regret,
                inputs="benchmark_traces",
                outputs="benchmark_regret_picture",
                name="draw_regret",
            ),
            Node(
                nodes.replay_fronts,
                inputs=["benchmark_tables", "params:benchmark", "params:strategies", "params:metric"],
                outputs=["benchmark_fronts", "benchmark_front_curves"],
                name="replay_fronts",
            ),
            Node(
                nodes.summarise_fronts,
                inputs="benchmark_fronts",
                outputs="benchmark_front_summary",
                name="summarise_fronts",
            ),
            Node(
                nodes.draw_fronts,
                inputs="benchmark_front_curves",
                outputs="benchmark_front_picture",
                name="draw_fronts",
            ),
            Node(
                nodes.draw_correlation_of_tables,
                inputs="benchmark_correlation",
                outputs="benchmark_correlation_picture",
                name="draw_correlation_of_tables",
            ),
        ],
        namespace="benchmark",
        prefix_datasets_with_namespace=False,
    )
