"""`mf-nas-kd predict`: classes of image files, without torch."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from mf_nas_kd.cli import cli
from mf_nas_kd.export.packing import packed
from mf_nas_kd.export.preprocessing import deployed_model, metadata_of
from mf_nas_kd.export.runtime import logits_of


@pytest.fixture(scope="module")
def model(onnx_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("predict") / "model.onnx"
    path.write_bytes(onnx_model)
    return path


@pytest.fixture(scope="module")
def photographs(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    paths = [folder / f"{i}.png" for i in range(3)]
    for path, pixels in zip(paths, digits.test.images[:3].numpy(), strict=True):
        Image.fromarray(pixels[0]).save(path)
    return paths


def predicted(*arguments):
    return CliRunner().invoke(cli, ["predict", *map(str, arguments)])


def test_the_classes_of_files_are_a_table(model, photographs, graph, digits):
    result = predicted(model, *photographs)
    assert result.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    best = logits_of(graph, digits.test.images[:3].numpy()).argmax(axis=1)
    assert [row["class"] for row in rows] == [digits.class_names[label] for label in best]
    assert [row["file"] for row in rows] == [str(path) for path in photographs]
    assert all(0 < float(row["probability"]) <= 1 for row in rows)


def test_several_classes_in_json_are_one_line_a_file(model, photographs):
    result = predicted(model, *photographs, "--format", "json", "--top", 10)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(path) for path in photographs]
    for line in lines:
        probabilities = [each["probability"] for each in line["predictions"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1, abs=1e-4)


def test_int8_predicts_as_well(quantised, digits, photographs, tmp_path):
    facts = metadata_of(digits.class_names, (1, 8, 8), "a study", "0", "MIT")
    (tmp_path / "int8.onnx").write_bytes(deployed_model(packed(quantised), (1, 8, 8), facts))
    assert len(predicted(tmp_path / "int8.onnx", *photographs).stdout.splitlines()) == 4


def test_a_bad_file_is_one_line_and_the_others_go_on(model, photographs, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    result = predicted(model, tmp_path / "absent.png", photographs[0], tmp_path / "text.png", photographs[1])
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    absent, text = result.stderr.splitlines()
    assert "absent.png: No such file or directory" in absent
    assert "text.png: it is no image" in text


@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_what_is_no_deployed_model_is_one_line(tmp_path, photographs, content, graph):
    (tmp_path / "other.onnx").write_bytes(graph.SerializeToString() if content is None else content)
    result = predicted(tmp_path / "other.onnx", photographs[0])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: model")


def test_neither_torch_nor_mlflow_is_imported(model, photographs):
    code = f"""
import sys
from mf_nas_kd.__main__ import main
status = main(["predict", {str(model)!r}, {str(photographs[0])!r}], standalone_mode=False)
sys.exit(" ".join(name for name in ("torch", "mlflow", "pandas") if name in sys.modules) or 0)
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("file,rank,class,probability\n")


def test_an_image_of_any_size_is_classified(model, tmp_path):
    wide = np.random.default_rng(0).integers(256, size=(70, 400, 3), dtype=np.uint8)
    Image.fromarray(wide).save(tmp_path / "wide.jpg")
    assert predicted(model, tmp_path / "wide.jpg").exit_code == 0
