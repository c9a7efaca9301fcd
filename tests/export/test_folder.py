"""The user's folder can be used without this program."""

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from mf_nas_kd.export.card import markdown
from mf_nas_kd.export.folder import network_folder
from mf_nas_kd.export.preprocessing import deployed_model, metadata_of
from mf_nas_kd.image_files.decoding import decode_file
from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.networks.tensor_file import LARGEST_NETWORK_BYTES, read_tensors
from mf_nas_kd.statistics import worst_predictions
from tests import final_tables

ODD = ["US$ $x$", "<b>&amp;", "a|b_c^2", "😀", "long " * 60, 'quo"te, comma', "a\udcff", "=1+1", "`code`", "[x](y)"]


@pytest.fixture(scope="module")
def written(trained, onnx_model, digits, tmp_path_factory):
    """The folder on the disk."""
    folder = tmp_path_factory.mktemp("network")
    for name, content in files_of(trained, onnx_model, digits).items():
        (folder / name).write_bytes(content)
    return folder


def files_of(trained, onnx_model, images, references=None, **changes):
    predictions = final_tables.predictions(images.test.labels, images.classes)
    references = final_tables.references() if references is None else references
    worst, curve = worst_predictions(predictions, 5), final_tables.curve()
    winner = final_tables.winner(**changes)
    device = pd.DataFrame({"Precision": ["float32"], "Latency, ms": ["0.15 | <b>"]}), ["Measured on: a <b> | c."]
    return network_folder(
        trained, onnx_model, b"int8", images, winner, references, predictions, curve, worst, b"png", 0.95, *device
    )


def test_every_file_is_there(written):
    assert sorted(path.name for path in written.iterdir()) == [
        "README.md", "classes.json", "confusion_matrix.csv", "learning_curve.csv", "metrics.json", "model.onnx",
        "model.safetensors", "model_int8.onnx", "per_class_accuracy.csv", "predict.py", "preprocessing.json", "worst_images.csv",
        "worst_images.png",
    ]  # fmt: skip


def test_the_lines_of_the_card_work(written, digits, trained, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", (written / "README.md").read_text(), re.S)
    assert len(code.splitlines()) == 10
    Image.fromarray(digits.test.images[3, 0].numpy()).save(written / "photo.jpg", "png")
    monkeypatch.chdir(written)
    scope = {}
    exec(code, scope)
    (written / "photo.jpg").unlink()
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in digits.pixel_statistics)
    with torch.no_grad():
        probabilities = rebuild(trained)((digits.test.images[3:4] / 255 - mean) / std).logits.softmax(dim=1)
    np.testing.assert_allclose(scope["probabilities"], probabilities, atol=1e-4)
    assert scope["names"][scope["label"]] == digits.class_names[probabilities.argmax()]


def test_the_card_shows_the_costs_on_a_device(written):
    card = (written / "README.md").read_text()
    assert "| Precision | Latency, ms |\n| --- | --- |\n| float32 | 0.15 \\| \\<b\\> |\n\nMeasured on: a" in card


def test_the_script_sees_the_pixels_that_the_training_saw(written, trained, digits, tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / name for name in ("wide.png", "turned.jpg", "clear.png")]
    Image.fromarray(rng.integers(0, 255, (9, 21, 3), dtype=np.uint8)).save(paths[0])
    turned = Image.fromarray(np.linspace(0, 255, 16 * 24, dtype=np.uint8).reshape(16, 24))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(paths[1], exif=exif)
    Image.fromarray(rng.integers(0, 255, (12, 12, 4), dtype=np.uint8)).save(paths[2])
    script = [sys.executable, str(written / "predict.py"), *map(str, paths)]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout.splitlines()
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in digits.pixel_statistics)
    pixels = torch.from_numpy(np.stack([decode_file(path, 1, (8, 8)) for path in paths]))
    with torch.no_grad():
        logits = rebuild(trained)((pixels / 255 - mean) / std).logits
    probabilities, labels = logits.softmax(dim=1).max(dim=1)
    for line, path, label, probability in zip(said, paths, labels.tolist(), probabilities.tolist(), strict=True):
        start, _, number = line.rpartition(" ")
        assert start == f"{path}: {digits.class_names[label]}"
        assert float(number) == pytest.approx(probability, abs=0.05), "resized by the model, to 1 of 255"


def test_the_weights_are_the_network(written, trained):
    read = read_tensors(written / "model.safetensors", LARGEST_NETWORK_BYTES)
    assert TrainedNetwork.from_tensors(*read).fingerprint == trained.fingerprint


def test_the_tables_are_those_of_the_predictions(written, digits):
    predictions = final_tables.predictions(digits.test.labels, digits.classes)
    confusion = pd.read_csv(written / "confusion_matrix.csv", index_col=0).to_numpy()
    assert confusion.sum() == len(predictions)
    assert np.trace(confusion) == (predictions["label"] == predictions["predicted"]).sum()
    per_class = pd.read_csv(written / "per_class_accuracy.csv")
    assert (per_class["accuracy_low"] < per_class["accuracy"]).all()
    assert per_class["correct"].tolist() == np.diag(confusion).tolist()
    worst = pd.read_csv(written / "worst_images.csv")
    assert len(worst) == 5
    assert worst["probability_of_predicted"].is_monotonic_decreasing
    assert digits.test.labels[worst["image"].tolist()].tolist() == worst["label"].tolist()
    assert worst["file"].tolist() == [digits.test.names[position] for position in worst["image"]]


def test_the_metrics_have_intervals_and_what_was_compared(written):
    metrics = json.loads((written / "metrics.json").read_text())
    assert (metrics["test_accuracy_low"], metrics["test_accuracy_high"]) == (0.971, 0.991)
    assert metrics["test_images"] == 450
    by_name = {row["name"]: row for row in metrics["compared_with"]}
    assert by_name["ResNet-8 x0.5"]["difference_low"] == pytest.approx(0.012)
    assert by_name["teacher"]["epochs"] is None, "JSON has no NaN"


def test_names_may_be_anything(trained, graph, digits):
    images = replace(digits, name="<script>|$", class_names=tuple(ODD))
    references = final_tables.references(name="a|b $x$ <b>")
    model = deployed_model(graph, (1, 8, 8), metadata_of(ODD, (1, 8, 8), ODD[0], trained.fingerprint, ODD[5]))
    files = files_of(trained, model, images, references, warnings=["a | b <i>"])
    assert json.loads(files["classes.json"]) == ODD
    rows = list(csv.reader(io.StringIO(files["per_class_accuracy.csv"].decode())))
    assert [row[1] for row in rows[1:]] == [name.replace("\udcff", "\\udcff") for name in ODD]
    assert all(len(row) == len(rows[0]) for row in rows)
    card = files["README.md"].decode()
    assert "<script>" not in card.replace("\\<script\\>", "")
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in card.splitlines() if line.startswith("|")} == {3, 5}
    assert card.startswith("# The best small network for \\<script\\>\\|\\$\n")
    assert markdown("two\nlines # x") == "two lines \\# x"
