"""Rank correlation with accuracy, and seconds, of every zero-cost proxy, and what each adds to MACs and parameters.

Architectures and accuracies are those of a published table; the proxies are computed on images of a folder with a
folder for each class, made 32 x 32 pixels. Without epochs of a teacher, the proxy that needs one is left out.

    python benchmarks/proxies.py --published DIR --images CLASS_FOLDERS
    python benchmarks/proxies.py --nas-bench-201 FILE.csv --images CLASS_FOLDERS --cells 300 --teacher-epochs 15
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from mf_nas_kd.benchmarks import BenchmarkTable
from mf_nas_kd.benchmarks.entries import Entry, benchmark_runs
from mf_nas_kd.benchmarks.nas_bench_201 import read_nas_bench_201
from mf_nas_kd.benchmarks.proxy_entries import ORDER, proxy_orders
from mf_nas_kd.benchmarks.published import read_published
from mf_nas_kd.benchmarks.replays import run_replays
from mf_nas_kd.images import AugmentationSettings, ImageDataset, load_images
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.proxies import ProxySettings
from mf_nas_kd.records import Architecture
from mf_nas_kd.records.tables import records_of
from mf_nas_kd.search import STRATEGIES
from mf_nas_kd.search.budget import UNLIMITED
from mf_nas_kd.statistics import CorrelationSettings
from mf_nas_kd.statistics.proxies import CONTROLLED
from mf_nas_kd.statistics.proxy_value import proxy_table
from mf_nas_kd.studies.candidate_proxies import proxies_of
from mf_nas_kd.training import TrainingHyperParameters, train_teacher

BASE = Path(__file__).parents[1] / "conf" / "base"
TEACHER = {"stem": 16, "stages": [16, 32, 64], "blocks": 1}
DATASET = "cifar100"
VALIDATION_FRACTION = 0.8  # the rest is enough for the proxies and a small teacher


def configured(name: str) -> Any:
    """Parameters of a file of ``conf/base``."""
    return yaml.safe_load((BASE / f"parameters_{name}.yml").read_text())[name]


def chosen_table(arguments: argparse.Namespace) -> BenchmarkTable:
    """The table of CIFAR-100: MobileNetV2 or ShuffleNetV2 networks, or a sample of cells."""
    tables = read_published(arguments.published) if arguments.published else read_nas_bench_201(arguments.nas_bench_201)
    (table,) = (each for each in tables if each.dataset == DATASET and each.space == arguments.space)
    return table


def trained_teacher(images: ImageDataset, epochs: int) -> TrainedNetwork:
    """A small residual network, trained on the images."""
    hyper_parameters = TrainingHyperParameters.model_validate(configured("training")["hyper_parameters"])
    crop_flip = {"padding": 4, "flip": True, "rows": None, "seed": 0}
    augmentation = {"name": "crop_flip", "options": {"crop_flip": crop_flip}}
    settings = AugmentationSettings.model_validate(augmentation)
    training = train_teacher(images, "residual", TEACHER, hyper_parameters, epochs, 0, "cpu", settings)
    print(f"teacher: {training.val_accuracies[-1]:.3f} on validation images")  # noqa: T201
    return training.network


def measure(arguments: argparse.Namespace) -> None:
    """Compute the proxies and print their table."""
    table = chosen_table(arguments)
    candidates = table.candidates.sample(min(arguments.cells, len(table.candidates)), random_state=0)
    options = {"folder": arguments.images, "image_size": 32, "channels": 3}
    images = load_images("image_folder", VALIDATION_FRACTION, 0.2, 0, options, arguments.folder / "pixels")
    teacher = trained_teacher(images, arguments.teacher_epochs) if arguments.teacher_epochs else None
    parameters = configured("candidates")["proxies"]
    parameters["use"]["teacher_similarity"] = teacher is not None
    if arguments.only:
        parameters["use"] = dict.fromkeys(arguments.only, True)
    parameters |= {"batch_size": arguments.batch_size, "initialisations": arguments.initialisations}
    settings = ProxySettings.model_validate(parameters)
    architectures = records_of(candidates, Architecture)
    proxies = proxies_of(architectures, images, teacher, settings, arguments.folder / "proxies", "cpu")
    truth = table.at(table.truth).set_index("architecture_id")["test_accuracy"]
    scored = candidates.merge(proxies, on="architecture_id")
    scored["test_score"] = scored["architecture_id"].map(truth)
    found = proxy_table(scored, CorrelationSettings.model_validate(configured("correlation")))
    print(f"{table.name}, n = {len(scored)}, batches of {settings.batch_size}")  # noqa: T201
    print(found.round(3).to_string(index=False, na_rep=""))  # noqa: T201
    if arguments.orders:
        print(costs_of_orders(replace(table, candidates=scored.drop(columns="test_score"))).round(0).to_string())  # noqa: T201


def costs_of_orders(table: BenchmarkTable) -> pd.DataFrame:
    """Seconds until a network within half a point of the best is found, by the order of each proxy, for each task."""
    entries = {f"{name}_order": Entry(strategy=ORDER, low="none", options={"proxy": name}) for name in CONTROLLED}
    entries |= proxy_orders(table)
    options = {name: STRATEGIES[ORDER].Options.model_validate(entry.options) for name, entry in entries.items()}
    runs = benchmark_runs(table, entries, options, configured("benchmark")["tasks"], UNLIMITED, 0.5)
    rows = [{**run.label, "cost": found.cost_to_target_seconds} for run, _, found in run_replays(runs, 1, 1)]
    return pd.DataFrame(rows).pivot(index="strategy", columns="task", values="cost")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--published", help="folder of the published tables")
    source.add_argument("--nas-bench-201", help="CSV file of NAS-Bench-201")
    parser.add_argument("--space", help="space of the published table", default=None)
    parser.add_argument("--images", required=True, help="folder of images, as images.source image_folder reads it")
    parser.add_argument("--cells", type=int, default=300, help="most architectures")
    parser.add_argument("--batch-size", type=int, default=configured("candidates")["proxies"]["batch_size"])
    parser.add_argument("--initialisations", type=int, default=1)
    parser.add_argument("--orders", action="store_true", help="what searches in the order of each proxy cost")
    parser.add_argument("--only", nargs="+", help="names of the proxies; all without it")
    parser.add_argument("--teacher-epochs", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("data/proxies"), help="what is kept for the next time")
    arguments = parser.parse_args()
    arguments.space = arguments.space or ("mobilenet_v2" if arguments.published else "nas_bench_201")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    measure(arguments)


if __name__ == "__main__":
    main()
