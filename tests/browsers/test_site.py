"""The documentation as a person sees it, in a real browser."""

import sys

import pytest

from tests.browsers.conftest import DESKTOP, PHONE, free_port, served
from tests.site import site  # noqa: F401

PAGES = [
    "index.html",
    "tutorials/own_images.html",
    "tutorials/library.html",
    "how_to/limits.html",
    "explanation/distillation.html",
    "reference/configuration.html",
    "reference/catalog.html",
    "reference/commands.html",
    "reference/api/images.html",
    "architecture.html",
    "benchmark.html",
]


def address(site, page):  # noqa: F811
    return f"file://{site / page}"


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_is_wider_than_the_window(site, open_page, viewport):  # noqa: F811
    wide = {}
    for name in PAGES:
        page = open_page(address(site, name), viewport)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > viewport["width"]:
            wide[name] = width
    assert wide == {}


def test_the_first_page_says_what_it_is_and_leads_on(site, open_page):  # noqa: F811
    page = open_page(address(site, "index.html"))
    assert page.get_by_role("heading", name="mf-nas-kd").is_visible()
    assert page.get_by_text("mf-nas-kd find my_images").first.is_visible()
    picture = page.get_by_role("img", name="The beginning of the report")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    page.get_by_role("main").get_by_role("link", name="From a folder of images to a network").first.click()
    assert page.get_by_role("heading", name="1. Install").is_visible()


def test_the_search_finds_a_parameter(site, open_page):  # noqa: F811
    port = free_port()
    server = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(site)]
    with served(server, f"http://127.0.0.1:{port}/") as start:
        page = open_page(start)
        box = page.get_by_role("textbox", name="Search").first
        box.fill("max_latency_ms")
        box.press("Enter")
        link = page.get_by_role("link", name="search.max_latency_ms").first
        link.wait_for()
        link.click()
        assert "configuration.html#confval-search.max_latency_ms" in page.url


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_reference_shows_a_parameter(site, open_page, viewport):  # noqa: F811
    page = open_page(address(site, "reference/configuration.html#confval-search.max_macs"), viewport)
    name = page.locator("[id='confval-search.max_macs']")
    assert name.is_visible()
    assert "null" in name.locator("xpath=following-sibling::dd").inner_text()


def test_the_dark_theme_has_drawings_on_white(site, open_page):  # noqa: F811
    page = open_page(address(site, "architecture.html"), color_scheme="dark")
    drawing = page.get_by_role("img", name="Stages in their order")
    assert drawing.evaluate("image => getComputedStyle(image).backgroundColor") == "rgb(255, 255, 255)"
    assert drawing.evaluate("image => image.naturalWidth > 0")
