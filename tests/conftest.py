"""Small real images and a small space, shared by all tests."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from hypothesis import settings as properties
from mlflow.tracking import MlflowClient

from mf_nas_kd.images import ImageDataset, SubsetOrder, load_images
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.records import Fidelity
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import Architecture, SearchSpace, build_space
from mf_nas_kd.studies.training_evaluator import TrainingEvaluator
from mf_nas_kd.training import TrainingSettings, train_teacher

PROJECT = Path(__file__).resolve().parents[1]

# Properties: other examples in every run, so that the suite goes on looking; the same ones where CI is set, so that a
# run can be repeated. No deadline: a loaded machine is no fault.
properties.register_profile("searching", deadline=None, max_examples=40)
properties.register_profile("repeatable", deadline=None, max_examples=40, derandomize=True, print_blob=True)
properties.load_profile("repeatable" if os.environ.get("CI") else "searching")

CHOICES = {
    "mobilenet_v2": {
        "stem": [4],
        "stem_stride": 1,
        "stages": [
            {"expansion": [1, 2], "channels": [4, 6], "repeats": [1, 2], "stride": 2},
            {"expansion": [2], "channels": [6, 8, 12], "repeats": [1], "stride": 2},
        ],
        "head": [16, 32],
    },
    "nas_bench_201": {
        "stem": 4,
        "cells_per_stage": 1,
        "operations": ["none", "skip_connect", "nor_conv_3x3"],
    },
    "shufflenet_v2": {
        "stem": [4],
        "stem_stride": 1,
        "stages": [{"channels": [4, 6], "blocks": [1, 2]}, {"channels": [6, 8, 12], "blocks": [1]}],
        "head": [16, 32],
    },
}
"""A small space of every kind, for the contract suite: a new space adds its line here."""

STUDY_INPUT = {"input_size": None, "normalisation": "study"}
"""Options of a library's network that sees images as the study has them."""

SETTINGS = {
    "device": "cpu",
    "hyper_parameters": {
        "batch_size": 16,
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "schedule": "cosine",
        "decay_fraction": 0.2,
        "warmup_fraction": 0.1,
        "label_smoothing": 0.0,
        "weight_averaging": 0.0,
        "mixup": 0.0,
        "class_weights": "none",
    },
    "augmentation": {
        "name": "crop_flip",
        "options": {"crop_flip": {"padding": 1, "flip": False, "rows": None, "seed": 0}},
    },
    "clock": "wall",
    "target_cache_gib": 1.0,
    "paused_trainings_gib": 1.0,
    "gradient_norm_ratio": 1.0,
    "distillation": {
        "none": {
            "loss": "none",
            "cross_entropy_weight": 1.0,
            "loss_weight": 0.0,
            "loss_warmup_fraction": 0.0,
            "options": {},
        },
        "kd": {
            "loss": "kd",
            "cross_entropy_weight": 0.1,
            "loss_weight": 0.9,
            "loss_warmup_fraction": 0.0,
            "options": {"temperature": 4.0, "standardise_logits": False},
        },
    },
}


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of the published tables, which do not belong to this project."""
    folder = os.environ.get("MF_NAS_KD_PUBLISHED_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("MF_NAS_KD_PUBLISHED_DIR does not name the folder of the published tables")
    return Path(folder)


@pytest.fixture(scope="session")
def _empty_mlflow_database(tmp_path_factory) -> Path:
    """MLflow takes seconds to make its tables: they are made once, and copied."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_database(_empty_mlflow_database, tmp_path) -> str:
    """Address of a database of MLflow without runs."""
    path = shutil.copy(_empty_mlflow_database, tmp_path / "mlflow.db")
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def digits() -> ImageDataset:
    return load_images("digits", validation_fraction=0.25, test_fraction=0.25, seed=0)


@pytest.fixture(scope="session")
def order(digits: ImageDataset) -> SubsetOrder:
    return SubsetOrder.draw(digits.train, seed=0)


@pytest.fixture(scope="session")
def space() -> SearchSpace:
    return build_space("mobilenet_v2", CHOICES["mobilenet_v2"])


@pytest.fixture(scope="session")
def architectures(space: SearchSpace) -> list[Architecture]:
    rng = numpy_generator(0, "tests")
    return list({a.id: a for a in (space.sample(rng) for _ in range(20))}.values())[:6]


@pytest.fixture(scope="session")
def settings() -> TrainingSettings:
    return TrainingSettings.model_validate(SETTINGS)


@pytest.fixture(scope="session")
def teacher(digits: ImageDataset, settings: TrainingSettings) -> TrainedNetwork:
    fields = {"stem": 8, "stages": [8, 16], "blocks": 1}
    return train_teacher(
        digits, "residual", fields, settings.hyper_parameters, 1, 0, settings.device, settings.augmentation
    ).network


@pytest.fixture(scope="session")
def evaluator(
    digits: ImageDataset, order: SubsetOrder, settings: TrainingSettings, teacher: TrainedNetwork
) -> TrainingEvaluator:
    return TrainingEvaluator(digits, order, settings, teacher)


@pytest.fixture
def caching(digits, order, settings, teacher, tmp_path) -> TrainingEvaluator:
    """Like ``evaluator``, with a cache of its own for teacher targets."""
    return TrainingEvaluator(digits, order, settings, teacher, tmp_path / "targets")


@pytest.fixture
def short() -> Fidelity:
    return Fidelity(Fraction(1, 27), epochs=1, width=1.0, distillation="none")


@pytest.fixture(autouse=True)
def _global_generator_is_untouched():
    """Nothing in the library draws from torch's global generator."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(before, torch.get_rng_state()), "the global generator of torch was used"
