"""What kedro-viz shows of datasets; how it looks is in ``tests/browsers/test_kedro_viz.py``."""

from mf_nas_kd.datasets import AtomicPageDataset, EvaluationStoreDataset, FilesDataset
from mf_nas_kd.datasets.previews import MOST_CHARACTERS, page_preview
from mf_nas_kd.store import EvaluationStore
from tests.fakes import FakeEvaluator


def test_the_preview_of_a_page_has_its_text_and_neither_styles_nor_scripts(tmp_path):
    page = AtomicPageDataset(filepath=str(tmp_path / "page.html"))
    page.save("<style>p { color: red }</style><h1 id='a'>Best</h1><p onclick='x()'>1 &lt; 2</p><script>y()</script>")
    assert page.preview() == "<h1>Best</h1><p>1 &lt; 2</p>"


def test_the_preview_of_a_long_page_ends():
    assert len(page_preview("<p>word</p>" * MOST_CHARACTERS)) < 2 * MOST_CHARACTERS


def test_the_preview_of_a_folder_is_one_of_its_files_or_their_names(tmp_path):
    folder = FilesDataset(filepath=str(tmp_path / "folder"))
    folder.save({"README.md": "# é".encode(), "model.onnx": b"\xff"})
    assert folder.preview(file="README.md") == "# é"
    assert folder.preview(file="card.md") == "README.md\nmodel.onnx"


def test_the_preview_of_a_store_is_its_last_evaluations_in_words(tmp_path, architectures, short):
    store, url = FakeEvaluator(), f"sqlite:///{tmp_path}/store.db"
    opened = EvaluationStore(url)
    for seed in range(3):
        opened.append(store.evaluate(architectures[0], short, seed))
    opened.append(store.failure(architectures[1], short, 3, "it broke"))
    preview = EvaluationStoreDataset(url=url).preview(nrows=2)
    rows = [dict(zip(preview["columns"], row, strict=True)) for row in preview["data"]]
    assert [row["status"] for row in rows] == ["finished", "failed"]
    assert rows[0]["fidelity"] == "1/27 of the images, 1 epoch, none"
    assert rows[1]["val_accuracy"] == ""
