"""The whole flow on a folder with 500, 100 and 20 images a class, weighted and selected by balanced accuracy."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mf_nas_kd.records.metrics import BALANCED_ACCURACY as METRIC
from tests.pipelines.running import catalog, run

pytestmark = pytest.mark.slow

COUNTS = {"stripes": 500, "waves": 100, "checks": 20}
SIZE = 12
WEIGHED = {"hyper_parameters": {"class_weights": "balanced"}}
FEWER = {
    "images": {"source": "image_folder", "options": {"image_folder": {"image_size": SIZE, "channels": 1}}},
    "metric": METRIC.name,
    "training": WEIGHED,
    "teacher": {**WEIGHED, "epochs": 6},
    "final": {**WEIGHED, "epochs": 4},
    "executor": {"kind": "inline"},
    "evaluation": {
        "low": {
            "schedules": {"twenty_seventh": None, "ninth": None, "third": {"train_fraction": "1/3", "epochs": 2}},
            "distillation": dict.fromkeys(
                ("kd_standardised", "hint", "attention", "nst", "pkt", "similarity", "correlation", "vid", "crd", "rkd",
                 "dkd", "dist"), False
            ),
        }
    },
    "subsets": {"fractions": ["1/3", "1"]},
}  # fmt: skip


def texture(kind, rng):
    """Gratings of two directions, or their product, with noise: grey images that are not told apart at once."""
    y, x = np.mgrid[:SIZE, :SIZE] + rng.uniform(0, 6, (2, 1, 1))
    along, across = (np.sin(each * rng.uniform(1.0, 1.6)) for each in (x, y))
    wave = {"stripes": along, "waves": across, "checks": along * across}[kind]
    return np.clip(128 + 60 * wave + 30 * rng.standard_normal((SIZE, SIZE)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("imbalanced"), np.random.default_rng(0)
    for kind, count in COUNTS.items():
        (folder / "images" / kind).mkdir(parents=True)
        for index in range(count):
            Image.fromarray(texture(kind, rng)).save(folder / "images" / kind / f"{index}.png")
    run(folder / "study", images_dir=str(folder / "images"), **FEWER)
    return catalog(folder / "study")


def test_the_search_and_the_final_stage_select_by_balanced_accuracy(entries):
    full, trainings, winner = (entries.load(name) for name in ("full_trainings", "final_trainings", "winner"))
    found = entries.load("search_outcome")["architecture_id"]
    assert full.set_index("architecture_id")[METRIC.validation][found] == full[METRIC.validation].max()
    assert winner["metric"] == METRIC.name
    own = trainings[trainings["chosen"] & (trainings["architecture_id"] == winner["architecture_id"])]
    assert winner[METRIC.validation] == own[METRIC.validation].max()
    assert winner[f"{METRIC.test}_mean"] == pytest.approx(own[METRIC.test].mean())
    assert winner[f"{METRIC.test}_low"] <= winner[f"{METRIC.test}_mean"] <= winner[f"{METRIC.test}_high"]
    assert (full[METRIC.validation] != full["val_accuracy"]).any()


def test_the_differences_are_of_balanced_accuracy(entries):
    references = entries.load("references")
    first, others = references.iloc[0], references.iloc[1:]
    np.testing.assert_allclose(others["difference"], first[METRIC.test] - others[METRIC.test], atol=1e-9)


def test_report_and_card_say_what_has_selected(entries):
    page, folder = entries.load("report"), entries.load("network_folder")
    card = folder["README.md"].decode()
    assert "has a balanced accuracy of" in page
    assert "balanced accuracy of the validation images" in page
    assert "| test balanced accuracy, % |" in card
    assert "highest\nvalidation balanced accuracy" in card


@pytest.mark.parametrize("whose", ["teacher", "winner"])
def test_the_errors_of_teacher_and_winner_are_there(entries, whose):
    images, predictions = entries.load("images"), entries.load(f"{whose}_predictions")
    if whose == "teacher":
        confusion, per_class = entries.load("teacher_confusion"), entries.load("teacher_per_class_accuracy")
        expected = entries.load("teacher_metrics")[METRIC.test]
    else:
        files = entries.load("network_folder")
        confusion, per_class = (
            pd.read_csv(pd.io.common.BytesIO(files[name]))
            for name in ("confusion_matrix.csv", "per_class_accuracy.csv")
        )
        confusion, expected = confusion.set_index("true class"), entries.load("winner")[METRIC.test]
    counts = pd.crosstab(predictions["label"], predictions["predicted"]).reindex(columns=range(3), fill_value=0)
    assert confusion.to_numpy().tolist() == counts.to_numpy().tolist()
    assert per_class["class_name"].tolist() == list(images.class_names) == sorted(COUNTS)
    assert per_class["accuracy"].mean() == pytest.approx(expected)
