"""The pages of kedro-viz, looked at as a person does: the flow in its order, the code of a node, previews."""

import os
import re
import sys
from fractions import Fraction

import pytest

from mf_nas_kd.pipelines import FLOW
from mf_nas_kd.records import Fidelity
from tests.browsers.conftest import free_port, served
from tests.conftest import PROJECT
from tests.fakes import FakeEvaluator
from tests.pipelines.running import catalog

FULL = Fidelity(Fraction(1), epochs=30)
HIGHEST_PORT = 49_151  # kedro-viz refuses higher ones
LAYERS = ["images", "teacher", "evaluation", "correlation", "search", "final", "export", "report"]


@pytest.fixture(scope="module")
def viz(tmp_path_factory, architectures):
    """A server of kedro-viz over a study with a report, a model card, and an evaluation."""
    folder = tmp_path_factory.mktemp("viz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("MLFLOW_ARTIFACT_LOCATION", str(folder / "artifacts"))
        entries = catalog(folder)
        entries.save("report", "<h1>The best lamp</h1><p>It classifies 90 %.</p>")
        entries.save("network_folder", {"README.md": b"# Card of the lamp"})
        store = entries.load("evaluation_store")
        store.append(FakeEvaluator().evaluate(architectures[0], FULL, 0))
        port = next(port for port in iter(free_port, None) if port <= HIGHEST_PORT)
        options = ["--no-browser", "--host", "127.0.0.1", "--port", str(port), "--env", "smoke"]
        command = [sys.executable, "-m", "kedro", "viz", "run", *options, "--params", f"data_dir={folder}"]
        with served(
            command, f"http://127.0.0.1:{port}/", cwd=PROJECT, env={**os.environ, "DO_NOT_TRACK": "true"}
        ) as at:
            yield at


@pytest.fixture
def look(open_page):
    """Opens a page of kedro-viz, without the hints that cover a part of it."""

    def opened(address):
        page = open_page("about:blank")
        page.add_init_script("localStorage.setItem('KedroViz', JSON.stringify({showFeatureHints: false}))")
        page.goto(address)
        return page

    return opened


def heights(page, names, of):
    """Vertical positions of texts of a kind, when the drawing has come to rest."""
    before = None
    for _ in range(40):
        found = {each.text_content().strip(): each.bounding_box()["y"] for each in page.locator(of).all()}
        if found == before:
            break
        before = found
        page.wait_for_timeout(500)
    return [found[name] for name in names]


def test_the_whole_flow_opens_from_the_images_to_the_report(viz, look):
    page = look(viz)
    page.locator(".pipeline-layer-name").get_by_text("8 report").wait_for()
    layers = [f"{number} {name}" for number, name in enumerate(LAYERS, start=1)]
    down = heights(page, layers, ".pipeline-layer-name")
    assert down == sorted(down)


def test_the_stages_alone_are_readable(viz, look):
    page = look(f"{viz}?types=nodes")
    page.locator(".pipeline-node__text").get_by_text("report", exact=True).wait_for()
    down = heights(page, [name for name in FLOW if name != "correlation"], ".pipeline-node__text")
    assert down == sorted(down)
    assert page.locator(".pipeline-node__text").first.bounding_box()["height"] > 10


def test_the_list_of_pipelines_has_the_order_of_the_flow(viz, look):
    page = look(viz)
    page.get_by_text("__default__").first.click()
    page.get_by_text("benchmark", exact=True).first.wait_for()
    names = [each.strip() for each in page.locator(".pipeline-list .menu-option__content").all_inner_texts()]
    assert names[: len(FLOW) + 1] == ["__default__", *FLOW]


def test_a_node_of_a_stage_can_be_opened(viz, look):
    page = look(f"{viz}?pid=search&expandAllPipelines=true")
    page.get_by_text("sample_pool", exact=True).first.click()  # in the list beside the drawing
    page.get_by_text(re.compile("^kedro run --to-nodes=.*sample_pool")).first.wait_for()


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("report", "It classifies 90 %."),
        ("network_folder", "# Card of the lamp"),
        ("evaluation_store", "all images, 30 epochs, none"),
    ],
)
def test_report_model_card_and_store_have_previews(viz, look, entry, text):
    page = look(f"{viz}?sn={entry}")
    page.get_by_text(text).first.wait_for()
