"""Nodes of the pipeline ``report``: one for each part of the page, and one that puts them together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from mf_nas_kd import figures
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.records.metrics import metric_of
from mf_nas_kd.records.tables import fidelities_in
from mf_nas_kd.statistics import CorrelationSettings
from mf_nas_kd.statistics.ceiling import mean_over_seeds
from mf_nas_kd.studies.plan import planned_evaluations, scored_by_role


def early_end_page(reason: str, plan: pd.DataFrame, evaluations: pd.DataFrame) -> str:
    """The report of a study that ended before there was a winner, such as one whose trainings all failed."""
    planned = planned_evaluations(plan, evaluations)
    return figures.early_end_page(planned["dataset"].iloc[0], reason, figures.evaluation_tables(planned))


def describe_network(
    images: ImageDataset,
    class_counts: pd.DataFrame,
    duplicates: pd.DataFrame,
    winner: dict[str, Any],
    references: pd.DataFrame,
    final_trainings: pd.DataFrame,
    winner_predictions: pd.DataFrame,
    teacher_predictions: pd.DataFrame,
    winner_curve: pd.DataFrame,
    full_trainings: pd.DataFrame,
    pareto_front: pd.DataFrame,
    export_measurements: pd.DataFrame,
    network_folder: Path,
    network_files: dict[str, bytes],
    correlation: CorrelationSettings,
) -> figures.NetworkContent:
    """What the report shows of the network: what it is, how good, beside what, its errors, its use."""
    warnings = [*figures.image_warnings(class_counts, duplicates), *winner["warnings"]]
    return figures.network_content(
        images,
        winner | {"warnings": warnings},
        references,
        final_trainings,
        winner_predictions,
        teacher_predictions,
        winner_curve,
        full_trainings,
        pareto_front,
        export_measurements,
        correlation.level,
        os.path.relpath(_newest(network_folder)),
        network_files,
    )


def describe_ranking(
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    correlation_table: pd.DataFrame,
    distillation_comparison: pd.DataFrame,
    proxy_table: pd.DataFrame,
    savings: pd.DataFrame,
    winner: dict[str, Any],
    correlation: CorrelationSettings,
) -> figures.RankingContent:
    """What the report shows of how well low-fidelity evaluations rank."""
    metric = metric_of(winner)
    low, full, repeats = scored_by_role(plan, evaluations, metric)
    return figures.RankingContent(
        verdict=figures.verdict(correlation_table, distillation_comparison, correlation.added_value, metric=metric),
        savings=figures.savings_sentence(savings),
        proxies=figures.proxies_sentence(proxy_table),
        pictures={
            "correlation_against_cost": figures.correlation_against_cost(correlation_table),
            "low_against_full": figures.low_against_full(low, mean_over_seeds(full, repeats), metric),
        },
        charts={"correlation_against_cost": figures.agreement_chart(correlation_table)},
        tables={
            "correlation_table": figures.correlations_table(correlation_table),
            "proxy_table": figures.proxies_table(proxy_table),
        },
    )


def describe_search(
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    search_trace: pd.DataFrame,
    search_evaluations: pd.DataFrame,
    pareto_front: pd.DataFrame,
    winner: dict[str, Any],
) -> figures.SearchContent:
    """What the report shows of the search."""
    metric = metric_of(winner)
    planned = planned_evaluations(plan, evaluations)
    (target,) = fidelities_in(plan[plan["role"] == "full"])
    return figures.SearchContent(
        facts=figures.search_facts(winner),
        pictures={
            "learning_curves": figures.learning_curves(planned, search_evaluations, target),
            "search_progress": figures.search_progress(search_trace, plan, metric),
        },
        charts={"search_progress": figures.progress_chart(search_trace, plan, metric)},
        tables={
            "pareto_front": pareto_front,
            "search_trace": figures.steps_table(search_trace, metric),
            "paused": figures.paused_table(search_evaluations, search_trace, target),
        },
    )


def describe_study(
    images: ImageDataset,
    class_counts: pd.DataFrame,
    duplicates: pd.DataFrame,
    subset_sizes: pd.DataFrame,
    teacher_metrics: dict[str, Any],
    teacher_curve: pd.DataFrame,
    plan: pd.DataFrame,
    evaluations: pd.DataFrame,
    precomputed_targets: pd.DataFrame,
    winner: dict[str, Any],
) -> figures.StudyContent:
    """What the report shows of what was run, and on which images."""
    planned = planned_evaluations(plan, evaluations)
    return figures.StudyContent(
        facts=figures.image_facts(images, class_counts, duplicates)
        | figures.facts(images, subset_sizes, teacher_metrics, planned, precomputed_targets, winner),
        pictures={
            "learning_curve": figures.learning_curve(teacher_curve),
            "sample_images": figures.sample_images(images),
        },
        tables=figures.evaluation_tables(planned),
    )


def write_report(
    images: ImageDataset,
    network: figures.NetworkContent,
    ranking: figures.RankingContent,
    search: figures.SearchContent,
    study: figures.StudyContent,
) -> str:
    """Write the report of the study: one page with all results."""
    return figures.report_page(figures.ReportContent(images.name, network, ranking, search, study))


def _newest(versions: Path) -> Path:
    """The newest version of a folder, of the folder of all its versions."""
    return max(versions.glob(f"*/{versions.name}"), default=versions)
