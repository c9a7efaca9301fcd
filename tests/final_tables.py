"""Plausible tables of the stage ``final``, made without a training."""

import json

import numpy as np
import pandas as pd

from mf_nas_kd.records import Architecture

MACS = {
    "winner": 400_000,
    "other": 250_000,
    "ResNet-8 x0.5": 390_000,
    "MobileNetV2 x0.35": 900_000,
    "teacher": 8_000_000,
}


BALANCED = {
    "val_balanced_accuracy": 0.9811,
    "test_balanced_accuracy": 0.9744,
    "val_balanced_accuracy_mean": 0.9773,
    "test_balanced_accuracy_mean": 0.972,
    "test_balanced_accuracy_low": 0.951,
    "test_balanced_accuracy_high": 0.985,
}
"""Of ``winner``."""


def architecture():
    return Architecture.of("mobilenet_v2", stem=8, stages=[[1, 8, 1, 1], [4, 16, 2, 2], [4, 24, 3, 2]], head=64)


def reference(name, role, accuracy, difference=None, half=0.008, **changes):
    """A row of ``references``; ``difference`` of the winner from it, in [-1, 1]."""
    row = {"name": name, "role": role, "architecture_id": name, "macs": MACS.get(name, 300_000), "params": 20_000}
    row |= {"epochs": 60, "distillation": "none", "seeds": 3, "val_accuracy": accuracy + 0.002}
    row |= {"test_accuracy": accuracy, "test_accuracy_low": accuracy - 0.012, "test_accuracy_high": accuracy + 0.01}
    row |= {
        name.replace("accuracy", "balanced_accuracy"): value - 0.02 for name, value in row.items() if "accuracy" in name
    }
    ends = (np.nan,) * 3 if difference is None else (difference, difference - half, difference + half)
    row |= dict(zip(("difference", "difference_low", "difference_high"), ends, strict=True))
    return {**row, "comparable": row["macs"] <= MACS["winner"], **changes}


def references(best=0.02, teacher=-0.004, name="ResNet-8 x0.5"):
    """``references``, with the winner's lead over the best comparable reference and over the teacher."""
    winner = architecture().id
    rows = [
        reference(winner, "winner", 0.982, macs=MACS["winner"], architecture_id=winner),
        reference("other", "cheaper", 0.978, 0.004),
        reference(name, "reference", 0.982 - best, best, macs=MACS["ResNet-8 x0.5"]),
        reference("MobileNetV2 x0.35", "reference", 0.97, 0.012),
        reference("smallest of the space", "reference", 0.91, 0.072, macs=90_000),
        reference("teacher", "teacher", 0.982 - teacher, teacher, seeds=1, epochs=np.nan, distillation=None),
    ]
    return pd.DataFrame(rows)


def winner(**changes):
    """``winner``."""
    of_architecture = architecture()
    values = {
        "strategy": "mf_kd",
        "limits": {"max_macs": 500_000, "max_params": None},
        "budget_seconds": 60.0,
        "budget_evaluations": None,
        "spent_seconds": 58.3,
        "teacher_seconds": 4.2,
        "evaluations": 25,
        **of_architecture.to_row(),
        "val_accuracy": 0.9911,
        "test_accuracy": 0.9844,
        "macs": MACS["winner"],
        "params": 21_482,
        "dataset": "digits",
        "model_fingerprint": "0123456789abcdef",
        "seed": 2,
        "epochs": 60,
        "distillation": "kd",
        "seeds": 3,
        "val_accuracy_mean": 0.9873,
        "test_accuracy_mean": 0.982,
        "test_accuracy_low": 0.971,
        "test_accuracy_high": 0.991,
        "metric": "accuracy",
        **BALANCED,
        "indistinguishable": ["other"],
        "cheapest_indistinguishable": "other",
        "best_reference": "ResNet-8 x0.5",
        "teacher_worth": "The teacher is ahead of the best plain finalist by 1.1 points.",
        "final_seconds": 171.5,
        "warnings": ["final.budget_seconds was reached: 2 instead of 3 seeds."],
    }
    assert json.dumps(values)
    return {**values, **changes}


def final_trainings():
    """``final_trainings``: two networks, plain and distilled, of which the latter is chosen with three seeds."""
    rows = []
    for name, role in ((architecture().id, "finalist"), ("other", "cheaper"), ("ResNet-8 x0.5", "reference")):
        for distillation, seeds in (("none", 1), ("kd", 3)):
            for seed in range(seeds):
                row = {"name": name, "role": role, "space": "mobilenet_v2", "architecture_id": name}
                row |= {"architecture": architecture().specification, "macs": 400_000, "params": 21_482, "epochs": 60}
                row |= {"distillation": distillation, "seed": seed, "val_accuracy": 0.98 + seed / 400}
                row |= {"val_balanced_accuracy": 0.96 + seed / 400, "test_balanced_accuracy": 0.955 + seed / 300}
                row |= {"test_accuracy": 0.975 + seed / 300, "cost_seconds": 11.5, "chosen": distillation == "kd"}
                rows.append({**row, "key": f"{name}-{distillation}-{seed}"})
    return pd.DataFrame(rows)


def predictions(labels, classes, accuracy=0.9, seed=0):
    """``winner_predictions`` of images with these labels."""
    rng, labels = np.random.default_rng(seed), np.asarray(labels)
    wrong = rng.random(len(labels)) > accuracy
    predicted = np.where(wrong, (labels + rng.choice([1, 1, 1, 2, 3], len(labels))) % classes, labels)
    sure = rng.uniform(0.5, 1, len(labels))
    right = np.where(predicted == labels, sure, (1 - sure) * rng.random(len(labels)))
    columns = {"label": labels, "predicted": predicted, "probability_of_label": right, "probability_of_predicted": sure}
    return pd.DataFrame(columns)


def curve(epochs=60):
    """``winner_curve``."""
    epoch = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {"epoch": epoch, "loss": 2.2 * np.exp(-epoch / 12) + 0.05, "val_accuracy": 0.985 - 0.8 * np.exp(-epoch / 6)}
    )


def searched(count=14, seed=1):
    """``full_trainings``: the search's own high-fidelity evaluations."""
    rng = np.random.default_rng(seed)
    macs = np.geomspace(80_000, 500_000, count).astype(int)
    names = [architecture().id, *(f"candidate{i}" for i in range(count - 1))]
    accuracy = 0.9 + 0.05 * np.linspace(0, 1, count) + rng.normal(0, 0.01, count)
    columns = {"architecture_id": names, "macs": macs, "params": macs // 20, "val_accuracy": accuracy}
    return pd.DataFrame(columns | {"test_accuracy": accuracy - 0.01, "val_balanced_accuracy": accuracy - 0.02})


def front():
    """``pareto_front``."""
    rows = [("smallest", 90_000, 0.912), ("other", 250_000, 0.98), (architecture().id, 400_000, 0.9873)]
    table = pd.DataFrame(rows, columns=["architecture_id", "macs", "val_accuracy"])
    score = table["val_accuracy"]
    return table.assign(params=table["macs"] // 20, test_accuracy=score, val_balanced_accuracy=score - 0.02)


def measurements(metric="test_accuracy"):
    """``export_measurements``."""
    columns = ("precision", metric, "test_low", "test_high", "difference_points", "difference_low", "difference_high")
    columns += ("file_kib", "model_kib", "latency_ms", "latency_low_ms", "latency_high_ms", "activation_kib")
    columns += ("device_name", "runtime", "float_layers")
    none, device = (np.nan,) * 3, ("a processor, 2 cores", "onnxruntime 1.20.0")
    rows = [
        ("float32", 0.9844, 0.969, 0.992, *none, 96.3, 84.1, 0.152, 0.150, 0.157, 24.5, *device, ""),
        ("int8", 0.98, 0.963, 0.989, -0.44, -1.11, 0.22, 31.7, 23.0, 0.201, 0.198, 0.207, 6.1, *device, "first, last"),
    ]
    return pd.DataFrame(rows, columns=columns)
