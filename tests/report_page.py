"""The report of a study that never ran, from plausible tables."""

from dataclasses import replace

import numpy as np
import pandas as pd

from mf_nas_kd import figures
from mf_nas_kd.records.metrics import ACCURACY
from tests import final_tables
from tests.figures.test_figures import table

FULL = {"train_fraction": 1.0, "epochs": 8, "width": 1.0, "distillation": "none", "image_size": np.nan}
LOW = {**FULL, "train_fraction": 1 / 9, "epochs": 4}


def trace(name):
    """``search_trace``: two low-fidelity evaluations with a distillation of this name, and two at high fidelity."""
    steps = [(LOW | {"distillation": name}, 0.61), (FULL, 0.9), (LOW | {"distillation": name}, 0.72), (FULL, 0.95)]
    rows = [
        {
            "step": number,
            "architecture_id": f"candidate{number}",
            **fidelity,
            "cost_seconds": 1.5,
            "cumulative_cost_seconds": 1.5 * number,
            "val_accuracy": accuracy,
            "incumbent_val_accuracy": [np.nan, 0.9, 0.9, 0.95][number - 1],
            "promotion_threshold": np.nan if fidelity is FULL else 0.7,
            "reason": f"{name}: probability of being the best 0.{number}",
        }
        for number, (fidelity, accuracy) in enumerate(steps, start=1)
    ]
    return pd.DataFrame(rows)


def correlations(name):
    """``correlation_table`` with a distillation of this name."""
    rows = table(0.6, 0.4).replace({"distillation": {"kd": name}})
    return rows.assign(image_size=np.nan, added=0.3, added_p=0.01, added_detectable=0.4)


def network(images, name):
    """What the report shows of a network, where every name of the user's is this one."""
    predictions = final_tables.predictions(images.test.labels, images.classes)
    return figures.network_content(
        images,
        final_tables.winner(best_reference=name, warnings=[name], distillation=name, teacher_worth=name),
        final_tables.references(name=name),
        final_tables.final_trainings().assign(name=name),
        predictions,
        predictions,
        final_tables.curve(),
        final_tables.searched(),
        final_tables.front().assign(architecture_id=name),
        final_tables.measurements().assign(device_name=name, float_layers=name),
        0.95,
        name,
        {"model.onnx": b"onnx"},
    )


def page_of(images, name):
    """A report in which every name of the user's is this one."""
    images = replace(images, name=name, class_names=(name, *images.class_names[1:]))
    picture = figures.correlation_against_cost(correlations(name))
    steps, plan = trace(name), pd.DataFrame([FULL | {"role": "full"}])
    few_columns = correlations(name)[["distillation", "n", "kendall"]]
    ranking = figures.RankingContent(
        verdict=[name, name],
        savings=name,
        proxies=name,
        pictures={"correlation_against_cost": picture, "low_against_full": picture},
        charts={"correlation_against_cost": figures.agreement_chart(correlations(name))},
        tables={"correlation_table": figures.correlations_table(correlations(name)), "proxy_table": few_columns},
    )
    search = figures.SearchContent(
        facts={name: name},
        pictures={"learning_curves": picture, "search_progress": picture},
        charts={"search_progress": figures.progress_chart(steps, plan, ACCURACY)},
        tables={
            "pareto_front": final_tables.front(),
            "search_trace": figures.steps_table(steps, ACCURACY),
            "paused": few_columns,
        },
    )
    study = figures.StudyContent(
        facts={"Search": name, name: "x"},
        pictures={"learning_curve": picture, "sample_images": picture},
        tables={"evaluations": few_columns},
    )
    return figures.report_page(figures.ReportContent(name, network(images, name), ranking, search, study))
