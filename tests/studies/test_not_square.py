"""Images that are wider than high, from their files to the folder that the user takes along."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from mf_nas_kd import figures
from mf_nas_kd.export.folder import network_folder
from mf_nas_kd.export.onnx import network_graph
from mf_nas_kd.export.preprocessing import deployed_model, metadata_of
from mf_nas_kd.image_files.decoding import decode_file
from mf_nas_kd.images import SubsetOrder, load_images
from mf_nas_kd.networks import TrainedNetwork, rebuild
from mf_nas_kd.records import Fidelity
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import build_space
from mf_nas_kd.statistics import worst_predictions
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import train_teacher
from tests import final_tables
from tests.conftest import CHOICES

HEIGHT, WIDTH = 8, 20


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Bars from top to bottom on the left or on the right: the classes; none is seen in a square from the middle."""
    folder = tmp_path_factory.mktemp("wide")
    rng = np.random.default_rng(0)
    for name, bar in (("left", slice(0, 5)), ("right", slice(15, 20))):
        (folder / name).mkdir()
        for number in range(24):
            pixels = rng.integers(0, 60, (HEIGHT, WIDTH), dtype=np.uint8)
            pixels[:, bar] += 180
            Image.fromarray(pixels).resize((2 * WIDTH, 2 * HEIGHT)).save(folder / name / f"{number}.png")
    options = {"folder": str(folder), "image_size": [HEIGHT, WIDTH], "channels": 1}
    return load_images("image_folder", 0.25, 0.25, 0, options, folder / "kept")


@pytest.fixture(scope="module")
def wide_evaluator(wide, settings):
    fields = {"stem": 8, "stages": [8, 16], "blocks": 1}
    trained = train_teacher(
        wide, "residual", fields, settings.hyper_parameters, 2, 0, settings.device, settings.augmentation
    ).network
    assert trained.description.image_shape == (1, HEIGHT, WIDTH)
    return TrainingEvaluator(wide, SubsetOrder.draw(wide.train, seed=0), settings, trained)


def test_the_whole_width_is_seen(wide):
    left, right = (wide.train[(wide.train.labels == label).nonzero().flatten()].images.float() for label in (0, 1))
    assert left[..., :4].min() > 150 > 90 > left[..., -4:].max()
    assert right[..., -4:].min() > 150 > 90 > right[..., :4].max()


@pytest.mark.parametrize("space", CHOICES)
def test_networks_of_every_space_are_trained_on_wide_images(wide_evaluator, space):
    architecture = build_space(space, CHOICES[space]).sample(numpy_generator(0, "wide"))
    full = Fidelity(Fraction(1), 1, distillation="kd")
    learned = wide_evaluator.evaluate(architecture, full, 0)
    assert learned.finished
    small = wide_evaluator.evaluate(architecture, replace(full, image_size=4), 0)
    assert small.finished
    assert small.costs.macs < learned.costs.macs / 2, "4x10 pixels"


def test_the_exported_folder_takes_wide_images(wide, wide_evaluator, architectures, tmp_path):
    network, _, _ = wide_evaluator.train(architectures[0], Fidelity(1, 2), 0)
    trained = TrainedNetwork.of(wide_evaluator.describe(architectures[0]), network)
    predictions = final_tables.predictions(wide.test.labels, wide.classes)
    worst = worst_predictions(predictions, 3)
    shape = trained.description.image_shape
    model = deployed_model(network_graph(trained, 18), shape, metadata_of(wide.class_names, shape, "wide", "0", "MIT"))
    device = pd.DataFrame({"Precision": ["float32"]}), ()
    others = (final_tables.references(), predictions, final_tables.curve(), worst, b"png", 0.95, *device)
    for name, content in network_folder(trained, model, model, wide, final_tables.winner(), *others).items():
        (tmp_path / name).write_bytes(content)
    assert json.loads((tmp_path / "preprocessing.json").read_text())["image_shape"] == [1, HEIGHT, WIDTH]
    paths = [tmp_path / "grey.png", tmp_path / "sixteen.png"]
    values = np.random.default_rng(0).integers(0, 2**16, (30, 50), dtype=np.uint16)
    Image.fromarray((values // 256).astype(np.uint8)).save(paths[0])
    Image.fromarray(values).save(paths[1])
    script = [sys.executable, str(tmp_path / "predict.py"), *map(str, paths)]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout.splitlines()
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in wide.pixel_statistics)
    pixels = torch.from_numpy(np.stack([decode_file(path, 1, (HEIGHT, WIDTH)) for path in paths]))
    with torch.no_grad():
        logits = rebuild(trained)((pixels / 255 - mean) / std).logits
    expected = [f"{path}: {wide.class_names[i]}" for path, i in zip(paths, logits.argmax(1).tolist(), strict=True)]
    assert [line.rpartition(" ")[0] for line in said] == expected


def test_wide_images_are_drawn_wide(wide):
    worst = worst_predictions(final_tables.predictions(wide.test.labels, wide.classes), 3)
    for picture in (figures.sample_images(wide), figures.worst_images(wide, worst)):
        shown = [axis.images[0].get_array().shape[:2] for axis in picture.axes if axis.images]
        assert shown
        assert set(shown) == {(HEIGHT, WIDTH)}
