"""The report, as a person sees it: on a screen and a phone, in the light and in the dark, on paper, without scripts."""

import re

import pytest

from tests.browsers.conftest import DESKTOP, PHONE
from tests.report_page import page_of

CONTRAST_OF_TEXT, CONTRAST_OF_LARGE_TEXT = 4.5, 3.0  # WCAG 2.2, 1.4.3
PAPER = {"width": 690, "height": 1000}  # A4 within the margins of the page

CONTRASTS = """selector => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        for (let e = element; e; e = e.parentElement) {
            const colour = numbers(getComputedStyle(e).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll(selector)].map(element => {
        const style = getComputedStyle(element);
        const shown = style.fill === 'none' ? style.stroke : style.fill;
        const own = numbers(element instanceof SVGElement ? shown : style.color);
        const [low, high] = [light(own), light(behind(element))].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    });
}"""


LONG = "W" * 120


@pytest.fixture(scope="module")
def reports(digits, tmp_path_factory):
    """Addresses of reports, by the name that every image set, class and distillation has in them."""
    folder = tmp_path_factory.mktemp("reports")
    for name in ("kd", LONG):
        (folder / f"{name}.html").write_text(page_of(digits, name), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in ("kd", LONG)}


@pytest.fixture
def show(reports, open_page):
    """A function that opens the report, drawn: ``show(viewport=PHONE)``."""

    def shown(name="kd", **options):
        page = open_page(reports[name], **options)
        page.wait_for_selector("html.interactive")
        return page

    return shown


def text_at(page, chart, kind, index=0):
    """What appears when the mouse is on a mark of a chart; ``kind`` is the label of its trace."""
    place = page.locator(f"#{chart}-chart")
    place.scroll_into_view_if_needed()
    number = place.evaluate(f"chart => chart.data.findIndex(trace => trace.name === {kind!r})")
    uid = place.evaluate(f"chart => chart._fullData[{number}].uid")
    mark = place.locator(f".trace{uid} .point").nth(index).bounding_box()
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    place.locator(".hovertext").wait_for()
    return place.locator(".hovertext").evaluate("text => [...text.querySelectorAll('.line')].map(e => e.textContent)")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_first_screen_has_the_network_its_accuracy_and_its_cost(show, viewport):
    page = show(viewport=viewport)
    told = [page.get_by_text(words).first for words in ("The best small network for kd", "of at most its cost, kd")]
    boxes = [each.bounding_box() for each in (*told, *page.locator(".cards .card").all())]
    assert len(boxes) == 6
    assert all(0 <= box["y"] <= box["y"] + box["height"] <= viewport["height"] for box in boxes)
    opening = page.locator(".answer").first.inner_text() + page.locator(".cards").inner_text()
    assert opening.count("98.2 % [97.1, 99.1]") == opening.count("400 k") == opening.count("21,482") == 2
    assert page.get_by_role("navigation").locator("a").count() > 10


def test_the_contents_lead_to_every_part(show):
    page = show()
    targets = page.get_by_role("navigation").locator("a").evaluate_all("links => links.map(e => e.hash.slice(1))")
    sections = page.locator("section").evaluate_all("all => all.map(e => e.id)")
    assert set(targets) == set(sections) - {"warnings"}
    page.get_by_role("link", name="next steps").click()
    assert page.get_by_role("heading", name="What to do next").bounding_box()["y"] < DESKTOP["height"] / 2


def test_a_network_tells_what_it_is_when_it_is_pointed_at(show):
    page = show()
    told = text_at(page, "pareto_picture", "reference")
    assert told == [
        "kd",
        "reference",
        "390 k MACs, 20,000 parameters",
        "test accuracy: 96.2 % [95.0, 97.2]",
        "validation accuracy: 96.40 %",
        "60 epochs, plain, 3 seeds",
    ]
    searched = text_at(page, "pareto_picture", "evaluations of the search", index=1)
    assert searched[0] == "candidate0"
    assert any("parameters" in line for line in searched)


def test_a_low_fidelity_and_a_step_of_the_search_tell_what_they_are(show):
    page = show()
    told = text_at(page, "correlation_against_cost", "kd")
    assert told[:2] == ["kd", "1/9 of the training images, 2 epochs"]
    assert "tau 0.60 [0.50, 0.70]" in told
    told = text_at(page, "search_progress", "high-fidelity evaluations", index=1)
    assert told[0] == "step 4: candidate4"
    assert told[-1] == "kd: probability of being the best 0.4"


def test_a_finger_does_on_a_phone_what_the_mouse_does_on_a_desk(show):
    page = show(viewport=PHONE, has_touch=True, is_mobile=True)
    place = page.locator("#pareto_picture-chart")
    place.scroll_into_view_if_needed()
    mark = place.locator(".point").first.bounding_box()
    page.touchscreen.tap(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    assert "evaluation of the search" in place.locator(".hovertext").text_content()
    assert page.locator(".mouse").filter(visible=True).count() == 0


def test_the_slider_names_the_best_network_within_a_limit(show):
    page = show()
    slider, answer = page.get_by_role("slider"), page.locator("#cost-limit p")
    assert "It is the network that is delivered." in answer.inner_text()
    ring = "document.getElementById('pareto_picture-chart').data.find(trace => trace.meta === 'chosen').x[0]"
    assert page.evaluate(ring) == 400_000
    slider.press("Home")
    assert answer.inner_text().startswith("smallest of the space, reference: 90,000 MACs")
    assert "test accuracy 91.0 % [89.8, 92.0]" in answer.inner_text()
    assert "kedro run --params=search.max_macs=90000" in answer.inner_text()
    assert page.evaluate(ring) == 90_000
    slider.fill("150")
    limit = int(page.locator("#cost-limit output").inner_text().removesuffix(" MACs").replace(",", ""))
    assert 250_000 <= limit < 400_000
    assert answer.inner_text().startswith("other, other finalist: 250,000 MACs")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
@pytest.mark.parametrize("name", ["kd", LONG])
def test_nothing_is_wider_than_the_screen(show, viewport, name):
    page = show(name, viewport=viewport)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    boxes = page.evaluate(
        "[...document.querySelectorAll('.scroll, .chart, figure')].map(e => e.getBoundingClientRect().right)"
    )
    assert max(boxes) <= viewport["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(show, scheme):
    page = show(color_scheme=scheme)
    red, *_ = map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor")))
    assert red < 40 if scheme == "dark" else red > 240
    texts = page.evaluate(
        CONTRASTS, "p, li, dt, dd, td, th, h1, h2, a, summary, figcaption, code, .card b, .card span, label"
    )
    assert min(texts) >= CONTRAST_OF_TEXT
    assert (
        min(page.evaluate(CONTRASTS, ".chart .xtick text, .chart .ytick text, .chart .legendtext")) >= CONTRAST_OF_TEXT
    )
    marks = page.evaluate(CONTRASTS, ".chart .scatterlayer .point")
    assert min(marks) >= 1.9, "yellow of the palette on white is the palest"


def test_the_charts_follow_when_the_evening_comes(show):
    page = show(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("getComputedStyle(document.querySelector('.xtick text')).fill === 'rgb(229, 231, 235)'")


def test_the_page_asks_for_nothing_beyond_itself(show):
    page, asked = show(), []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("html.interactive")
    assert asked == [page.url]


def test_without_scripts_the_pictures_and_tables_are_there(reports, open_page):
    page = open_page(reports["kd"], java_script_enabled=False)
    for name in ("correlation_against_cost", "search_progress", "pareto_picture"):
        figure = page.locator("figure", has=page.locator(f"#{name}-chart"))
        assert figure.locator("svg").is_visible()
        assert not page.locator(f"#{name}-chart").is_visible()
    assert not page.get_by_role("slider").is_visible()
    page.get_by_text("The best network within each limit, as a table").click()
    assert page.get_by_role("cell", name="smallest of the space").last.is_visible()
    assert not page.get_by_text("Point at a mark").first.is_visible()


def test_on_paper_pictures_stand_for_the_charts_and_no_table_is_cut(show):
    page = show(viewport=PAPER, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".chart, #cost-limit, nav").filter(visible=True).count()
    assert page.locator(".still svg").filter(visible=True).count() == 12
    steps = page.locator(".trace table").last
    assert steps.is_visible(), "what is folded on the screen is not folded on paper"
    edges = page.locator("table").evaluate_all("all => all.map(e => e.getBoundingClientRect().right)")
    assert max(edges) <= PAPER["width"]
    assert page.pdf(format="A4").startswith(b"%PDF")
