"""What MLflow is told of the delivered network."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mf_nas_kd.pipelines.export.registration import mlflow_model
from tests import final_tables


@pytest.fixture(scope="module")
def told(onnx_model, digits):
    images = replace(digits, name="a_b <i>")
    return mlflow_model(onnx_model, "# A card", images, final_tables.winner(), final_tables.measurements())


def test_the_score_is_that_of_the_float32_model_on_these_test_images(told, digits):
    assert (told.study, told.metric, told.score) == ("a study", "accuracy", 0.9844)
    assert told.test_images == replace(digits, name="a_b <i>").test_fingerprint
    assert told.fingerprint == final_tables.winner()["model_fingerprint"]


def test_texts_are_for_people(told):
    assert told.summary == (
        "Test accuracy 98.44 % [96.90, 99.20], 400,000 multiply-accumulates and 21,482 parameters; "
        "float32, 0.152 ms an image on a processor, 2 cores"
    )
    assert told.description.startswith("Classifies images into 10 classes: a small network for a\\_b \\<i\\>, found")
    assert told.tags["classes"] == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert (told.tags["latency_ms"], told.tags["licence"]) == ("0.152", "MIT")


def test_the_example_is_a_file_of_a_test_image(told, digits):
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(told.example))), digits.test.images[0, 0])
