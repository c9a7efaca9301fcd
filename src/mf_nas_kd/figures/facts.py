"""What was run, for the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mf_nas_kd.figures.correlation import fraction_text
from mf_nas_kd.images import ImageDataset
from mf_nas_kd.records import FIDELITY_COLUMNS


def facts(
    images: ImageDataset,
    subset_sizes: pd.DataFrame,
    teacher: Mapping[str, Any],
    planned: pd.DataFrame,
    precomputed_targets: pd.DataFrame,
    winner: Mapping[str, Any],
) -> dict[str, str]:
    """Label to text, in reading order.

    Args:
        images: The images.
        subset_sizes: ``subset_sizes``.
        teacher: ``teacher_metrics``.
        planned: Rows of the store that belong to the plan.
        precomputed_targets: What asking teachers beforehand has taken.
        winner: ``winner``.
    """
    channels, height, width = images.image_shape
    limits = [f"{name.removeprefix('max_')} at most {limit:,}" for name, limit in winner["limits"].items() if limit]
    failed = int((planned["status"] != "finished").sum())
    asked = precomputed_targets[precomputed_targets["teacher_fingerprint"] == teacher["fingerprint"]]
    return {
        "Images": f"{images.name}: {images.classes} classes, {width}x{height}, {channels} channel(s); "
        f"{len(images.train):,} to train on, {len(images.validation):,} to validate, {len(images.test):,} to test",
        "Subsets": ", ".join(f"{row.fraction}: {row.images:,} images" for row in subset_sizes.itertuples()),
        "Teacher": f"{teacher['params']:,} parameters, {teacher['macs']:,} multiply-accumulates; "
        f"validation {100 * teacher['val_accuracy']:.2f} %, test {100 * teacher['test_accuracy']:.2f} %",
        "Candidates": f"{planned['architecture_id'].nunique()} of the space {planned['space'].iloc[0]}, "
        f"{planned['macs'].min():,} to {planned['macs'].max():,} multiply-accumulates",
        "Trainings": f"{len(planned)}, of which {failed} failed; {planned['cost_seconds'].sum():.0f} s of training",
        "Teacher asked beforehand": f"about {asked['pairs'].sum():,} pairs of image and view, "
        f"{asked['seconds'].sum():.1f} s, in no training's cost",
        "Search": f"{winner['strategy']}, {winner['evaluations']} evaluations, {winner['spent_seconds']:.1f} of "
        f"{winner['budget_seconds']:g} s; limits: {', '.join(limits) or 'none'}",
        "Device": ", ".join(sorted(planned["device"].unique())),
        "Program": f"mf_nas_kd {', '.join(sorted(planned['code_version'].unique()))}",
        "Fingerprints": f"images {images.fingerprint}, teacher {teacher['fingerprint']}",
    }


def training_summary(planned: pd.DataFrame) -> pd.DataFrame:
    """One row a kind of training: how many, how many failed, mean accuracy and seconds."""
    kinds = planned.assign(
        fraction=planned["train_fraction"].map(fraction_text), failed=planned["status"] != "finished"
    ).groupby(list(FIDELITY_COLUMNS), as_index=False, dropna=False)
    return kinds.agg(
        fraction=("fraction", "first"),
        trainings=("key", "size"),
        failed=("failed", "sum"),
        mean_val_accuracy=("val_accuracy", "mean"),
        mean_test_accuracy=("test_accuracy", "mean"),
        mean_cost_seconds=("cost_seconds", "mean"),
    ).drop(columns="train_fraction")
