"""Names of users are drawn as they are."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from mf_nas_kd import figures
from mf_nas_kd.errors import printable
from mf_nas_kd.figures.style import shortened
from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from tests import final_tables
from tests.figures.test_benchmark import traces
from tests.figures.test_figures import table
from tests.report_page import page_of

NAMES = [
    "US$",
    "$x$",
    "$\\frac{1}$",
    "a_b^c",
    "_hidden",
    "__",
    "\\alpha",
    "{x}",
    "50%",
    "<b>&amp;",
    "a$b$c",
    "%s",
    "\\$",
]


def drawn(picture):
    """The texts of a picture as matplotlib would typeset them, and its SVG."""
    file = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture.savefig(file, format="svg")
        picture.savefig(io.BytesIO(), format="png")
    shown = [text for text in picture.findobj(Text) if text.get_text() and text.get_visible()]
    plain = {text.get_text() for text in shown if text._preprocess_math(text.get_text()) == (text.get_text(), False)}
    return plain, file.getvalue()


def legend(picture):
    return [text.get_text() for text in picture.legends[0].get_texts()]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_distillation_configurations(name):
    data = table(0.6, 0.4).replace({"distillation": {"kd": name}}).assign(dataset=name)
    data = pd.concat([data, data.assign(space="other")])
    picture = figures.correlation_against_cost(data)
    plain, _ = drawn(picture)
    assert name in legend(picture)
    assert name in plain
    assert f"{name} s: Kendall's tau with high-fidelity evaluations" in plain

    low = pd.DataFrame([{**Fidelity(1, 2, distillation=name).to_row(), "architecture_id": "a", "val_score": 0.5}])
    full = pd.DataFrame({"architecture_id": ["a"], "test_score": [0.5], "macs": [10]})
    plain, _ = drawn(figures.low_against_full(low, full, ACCURACY))
    assert f"{name}, 1 x 2 epochs" in plain


@pytest.mark.parametrize("name", NAMES)
def test_names_of_strategies_and_tasks(name):
    data = traces(mf_kd=[[(1, 1.0), (2, 0.0)]], other=[[(1, 2.0), (2, 0.0)]]).replace(
        {"strategy": {"other": name}, "task": {"half": name}}
    )
    picture = figures.regret_against_cost(data)
    plain, _ = drawn(picture)
    assert sorted(legend(picture)) == sorted(["mf_kd", name])
    assert {name, f"d s: {name}"} <= plain


@pytest.mark.parametrize("name", [*NAMES, "a\udcff", "a\x00b", "tab\tstop"])
def test_names_of_classes_and_images(digits, name):
    named = replace(digits, name=name, class_names=(name, *digits.class_names[1:]))
    plain, svg = drawn(figures.sample_images(named))
    svg.encode()
    expected = name if name.isprintable() else ascii(name)[1:-1]
    assert expected in plain
    assert f"{expected}: training images of 10 of 10 classes" in plain


def test_powers_of_ten_at_ticks_stay_formulas():
    curve = pd.DataFrame({"epoch": [1, 2, 3], "loss": [100.0, 1.0, 0.001], "val_accuracy": [0.1, 0.2, 0.3]})
    picture = figures.learning_curve(curve)
    drawn(picture)
    labels = picture.axes[0].get_yticklabels()
    assert all(label.get_parse_math() for label in labels)
    assert any("mathdefault" in label.get_text() for label in labels)


@pytest.mark.parametrize("name", [*NAMES, "😀", "a\udcff", "long name " * 20])
def test_names_in_the_pictures_of_the_network(digits, name):
    expected = shortened(name)
    named = replace(digits, class_names=(name, *digits.class_names[1:]))
    confusion = np.diag([40] * 10)
    confusion[0, 1] = 3
    plain, svg = drawn(figures.confusion_picture(confusion, named.class_names))
    svg.encode()
    assert expected in plain
    assert expected in drawn(figures.accuracies_picture(final_tables.references(name=printable(name)), ACCURACY))[0]
    worst = pd.DataFrame({"image": [0], "label": [0], "predicted": [1], "probability_of_predicted": [0.9]})
    plain, _ = drawn(figures.worst_images(named, worst))
    assert f"{shortened(name, 14)}\n→ 1\n90.0 %" in plain


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "US$ & <b>"])
def test_the_page_escapes_every_name(digits, name):
    page = page_of(digits, name)
    page.encode()
    assert "<script>" not in page
    assert "<b> " not in page
    assert np.char.count(page, name.partition("<")[0].replace("&", "&amp;")) > 5


def test_the_page_opens_with_the_network_and_needs_nothing_else(digits):
    page = page_of(digits, "kd")
    parts = ["classifies 98.2 %", "The network</h2>", "How accurate it is", "What it costs", "How to use it",
             "What to do next", "Warnings</h2>", "Did low-fidelity evaluations pay?</h2>", "On a device</h2>",
             "What it gets wrong", "How it was trained", "Method"]  # fmt: skip
    assert [page.index(part) for part in parts] == sorted(page.index(part) for part in parts)
    assert page.count("<svg") == 12
    assert "98.44 %" in page
    assert "src=" not in page
    assert "#000000" not in page, "black would not be seen on a dark page"


def test_a_study_that_ended_early_has_a_page_that_says_why():
    table = pd.DataFrame({"epochs": [8], "mean_val_accuracy": [0.25]})
    page = figures.early_end_page("a & b", "the learning rate is too large", {"evaluations": table, "failures": table})
    parts = ["a &amp; b", "This run ended early", "the learning rate is too large", "25.00 %", "Why evaluations failed"]
    assert [page.index(part) for part in parts] == sorted(page.index(part) for part in parts)
    assert "<script" not in page
