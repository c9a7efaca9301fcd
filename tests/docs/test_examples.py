"""Code in the README and the pages: examples run, and what cannot run here is at least Python."""

import ast
import doctest
import importlib
import json
import re
import sys
import textwrap

import numpy as np
import pytest
import torch
from PIL import Image

from mf_nas_kd import distillation
from mf_nas_kd.images import load_images
from mf_nas_kd.taps import TapShapes
from tests.distillation.test_contract import student_taps, teacher_taps
from tests.export.conftest import graph, onnx_model, trained  # noqa: F401
from tests.site import PAGES, PROJECT

BLOCK = re.compile(r"^([ ]*)```python\n(.*?)^[ ]*```", re.MULTILINE | re.DOTALL)


def blocks(page):
    return [textwrap.dedent(code) for _, code in BLOCK.findall(page.read_text(encoding="utf-8"))]


def page(name):
    return PROJECT / name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_code_is_python_and_doctests_hold(path):
    for code in blocks(path):
        if ">>>" not in code:
            ast.parse(code)
    found = doctest.DocTestParser().get_doctest(path.read_text(encoding="utf-8"), {}, path.stem, str(path), 0)
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found).failed == 0


@pytest.mark.parametrize("name", ["README.md", "docs/how_to/deployment.md"])
def test_ten_lines_classify_a_file(name, onnx_model, digits, tmp_path, monkeypatch, capsys):  # noqa: F811
    code = blocks(page(name))[0]
    (tmp_path / "model.onnx").write_bytes(onnx_model)
    Image.fromarray(digits.test.images[3, 0].numpy()).save(tmp_path / "photo.jpg", "png")
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(code, scope)
    assert scope["probabilities"].shape == (10,)
    assert capsys.readouterr().out.split()[0] == digits.class_names[int(np.argmax(scope["probabilities"]))]


def test_the_tutorial_writes_images_that_the_program_reads(tmp_path, monkeypatch):
    (code,) = blocks(page("docs/tutorials/own_images.md"))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    options = {"folder": str(tmp_path / "my_images"), "image_size": 8, "channels": 1}
    images = load_images("image_folder", 0.25, 0.25, 0, options)
    assert len(images.class_names) == 10
    assert sum(len(part) for part in (images.train, images.validation, images.test)) == 1797


def test_the_loss_of_the_how_to_page_keeps_the_contract(monkeypatch):
    (code,) = blocks(page("docs/how_to/add_a_loss.md"))
    scope = {"__name__": "mean_squared"}
    monkeypatch.setitem(sys.modules, "mean_squared", type(sys)("mean_squared"))
    exec(code, scope)
    monkeypatch.setitem(distillation.LOSSES, "mean_squared", scope["MeanSquaredLoss"])
    student, teacher = student_taps(), teacher_taps().detach()
    shapes = {"student": TapShapes.of(student), "teacher": TapShapes.of(teacher)}
    loss = distillation.build_loss("mean_squared", **shapes, num_images=100)
    targets = loss.teacher_targets(teacher)
    value = loss(student, targets, torch.arange(6))
    ours, theirs = student.logits.tolist(), teacher.logits.tolist()
    squares = [(ours[image][label] - theirs[image][label]) ** 2 for image in range(6) for label in range(5)]
    assert value.item() == pytest.approx(sum(squares) / len(squares))
    value.backward()
    assert student.logits.grad is not None
    assert loss.target_key == "logits"


@pytest.mark.parametrize("path", sorted((PROJECT / "docs" / "_ext").glob("*.py")), ids=lambda path: path.stem)
def test_examples_in_the_extension_hold(path, monkeypatch):
    monkeypatch.syspath_prepend(str(path.parent))
    found = doctest.testmod(importlib.import_module(path.stem), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0


def test_the_notebook_is_kept_without_outputs():
    """They are made when the site is built, so that they are those of the code."""
    for path in (PROJECT / "docs").rglob("*.ipynb"):
        if "_build" not in path.parts:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells), path
