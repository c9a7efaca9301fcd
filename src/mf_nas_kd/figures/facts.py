"""Facts of a study for its report: images, teacher, evaluations, search, device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mf_nas_kd.figures.correlation import fraction_text
from mf_nas_kd.figures.numbers import counted
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.networks.provenance import other_origins
from mf_nas_kd.records import FIDELITY_COLUMNS, Metrics
from mf_nas_kd.records.fields import column_names
from mf_nas_kd.records.metrics import ACCURACY, metric_of, with_metrics


def facts(
    images: ImageDataset,
    subset_sizes: pd.DataFrame,
    teacher: Mapping[str, Any],
    planned: pd.DataFrame,
    precomputed_targets: pd.DataFrame,
    winner: Mapping[str, Any],
) -> dict[str, str]:
    """Facts of a study as texts by their labels, in reading order.

    Args:
        images: The images.
        subset_sizes: ``subset_sizes``.
        teacher: ``teacher_metrics``.
        planned: The planned evaluations.
        precomputed_targets: Records of precomputed teacher targets, those of other teachers included.
        winner: ``winner``.
    """
    channels, height, width = images.image_shape
    limits = [f"{name.removeprefix('max_')} at most {limit:,}" for name, limit in winner["limits"].items() if limit]
    failed = int((planned["status"] != "finished").sum())
    metric = metric_of(winner)
    named = "" if metric == ACCURACY else f" {metric.label}"
    computed = precomputed_targets[precomputed_targets["teacher_fingerprint"] == teacher["fingerprint"]]
    return {
        "Images": f"{images.name}: {images.classes} classes, {width}x{height}, {channels} channel(s); "
        f"{len(images.train):,} training, {len(images.validation):,} validation and {len(images.test):,} test images",
        "Subsets": ", ".join(f"{row.fraction}: {row.images:,} images" for row in subset_sizes.itertuples()),
        "Teacher": f"{teacher['params']:,} parameters, {teacher['macs']:,} MACs; "
        f"validation {100 * teacher[metric.validation]:.2f} %, test {100 * teacher[metric.test]:.2f} %{named}"
        f"{_reservation(teacher.get('trained_on', ()), images.fingerprint)}",
        "Candidates": f"{planned['architecture_id'].nunique()} of the space {planned['space'].iloc[0]}, "
        f"{planned['macs'].min():,} to {planned['macs'].max():,} MACs",
        "Evaluations": f"{len(planned)}, of which {failed} failed; {planned['cost_seconds'].sum():.0f} s of training",
        "Teacher targets precomputed": f"about {computed['pairs'].sum():,} pairs of image and augmentation, "
        f"{computed['seconds'].sum():.1f} s, charged to no evaluation",
        "Search": f"{winner['strategy']}, {winner['evaluations']} evaluations, {winner['spent_seconds']:.1f} of "
        f"{winner['budget_seconds']:g} s; limits: {', '.join(limits) or 'none'}",
        "Metric that selects": f"{metric.label} of the validation images",
        "Device": ", ".join(sorted(planned["device"].unique())),
        "Program": f"mf_nas_kd {', '.join(sorted(planned['code_version'].unique()))}",
        "Fingerprints": f"images {images.fingerprint}, teacher {teacher['fingerprint']}",
    }


def _reservation(trained_on: Sequence[str], fingerprint: str) -> str:
    """What has to be said of a teacher whose weights were trained on anything but the study's training images."""
    others = other_origins(trained_on, fingerprint)
    if not others:
        return ""
    return (
        f". Its weights were trained on other images or splits too ({', '.join(others)}): it may have learned what is "
        "validation or test here, and results that it distils into may be too good"
    )


def search_facts(winner: Mapping[str, Any]) -> dict[str, str]:
    """What the search spent, and why it ended, as texts by their labels.

    Args:
        winner: ``winner``.
    """
    kinds = {"Low-fidelity evaluations": "low_fidelity", "High-fidelity evaluations": "high_fidelity"}
    spent = {
        label: f"{winner[f'{kind}_evaluations']}, {winner[f'{kind}_seconds']:.1f} s of training"
        for label, kind in kinds.items()
    }
    saved = (
        f"{counted(winner['not_promoted'], 'candidate')} with a low-fidelity evaluation "
        f"{'was' if winner['not_promoted'] == 1 else 'were'} not evaluated at high fidelity, "
        f"which would have taken about {winner['not_promoted_seconds']:.1f} s"
    )
    return {**spent, "Not promoted": saved, "Why the search ended": f"{winner['ended'].capitalize()}."}


def evaluation_tables(planned: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of the planned evaluations for the report, by their names in the template: those of failures if any."""
    failures = failure_summary(planned)
    return {"evaluations": evaluation_summary(planned)} | ({"failures": failures} if len(failures) else {})


def failure_summary(planned: pd.DataFrame) -> pd.DataFrame:
    """Why evaluations failed: one row a reason, with the number of evaluations and the configurations, most first.

    Args:
        planned: The planned evaluations.
    """
    failed = planned[planned["status"] != "finished"]
    groups = failed.groupby("error", as_index=False, sort=False)
    return (
        groups.agg(
            failed=("key", "size"),
            architectures=("architecture_id", "nunique"),
            distillation=("distillation", lambda names: ", ".join(dict.fromkeys(names))),
        )
        .rename(columns={"error": "reason"})
        .sort_values("failed", ascending=False, ignore_index=True)
    )


def evaluation_summary(planned: pd.DataFrame) -> pd.DataFrame:
    """Number of evaluations and of failures, mean metrics and mean cost in seconds of each fidelity, one a row.

    Args:
        planned: The planned evaluations.
    """
    groups = (
        with_metrics(planned)
        .assign(fraction=planned["train_fraction"].map(fraction_text), failed=planned["status"] != "finished")
        .groupby(list(FIDELITY_COLUMNS), as_index=False, dropna=False)
    )
    return groups.agg(
        fraction=("fraction", "first"),
        evaluations=("key", "size"),
        failed=("failed", "sum"),
        **{f"mean_{name}": (name, "mean") for name in column_names(Metrics)},
        mean_cost_seconds=("cost_seconds", "mean"),
    ).drop(columns="train_fraction")
