"""The portal in a real Chromium: read, live, narrow, dark, without scripts."""

import re
import shutil

import pytest

from dashboards.build_static import build
from linksla.errors import LinkslaError
from tests.conftest import OCTOBER, S, required
from tests.portal_server import NOW_S, PASSWORD, small_network_served

pytestmark = pytest.mark.browser
CIRCUIT = "/circuits/DEN-1?month=2025-10"
DEADLINE_MS = 10_000


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    try:
        build()
    except LinkslaError as error:
        required(f"front-end packages from npm ({error.what})")
    with small_network_served(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def chromium():
    where = shutil.which("chromium") or shutil.which("chromium-browser")
    if where is None:
        required("Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(portal, chromium):
    """Return a function that opens a page as somebody; what the console says must stay empty."""
    contexts, said = [], []

    def open_page(path: str, user: str = "acme", *, width: int = 1280, **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(DEADLINE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(portal.address + path)
        page.fill("#user", user)
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_selector("#strip")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == [], "no console message, no error, no violation of the content policy"


def test_signing_in_leads_to_the_page_that_was_asked_for(portal, visit) -> None:
    page = visit(CIRCUIT)

    assert page.url == portal.address + CIRCUIT
    assert page.inner_text(".sentence") == "October: breached. 5 min 0 s down, 4 min 27 s allowed."
    cookie = next(c for c in page.context.cookies() if c["name"] == "linksla")
    assert cookie["httpOnly"]
    assert page.evaluate("document.cookie") == ""


def test_the_list_leads_to_the_circuit_and_back(visit) -> None:
    page = visit("/")
    assert page.inner_text("h1").startswith("DEN-1 ")
    assert page.locator("tbody tr").count() == 2

    page.click("th >> text=DEN-2")
    page.wait_for_selector("#charts")
    assert page.inner_text("h1").startswith("DEN-2")
    page.click("nav >> text=Circuits")
    page.wait_for_selector("#list")


def test_charts_draw_the_measured_days_and_the_tape_zooms(visit) -> None:
    page = visit(CIRCUIT)
    page.wait_for_selector(".chart canvas")
    assert page.locator(".chart canvas").count() == 5

    page.locator(".tape-row").first.locator(".tape-down").click()
    page.wait_for_url(re.compile("from=2025-10-09T09%3A01%3A00Z"))
    page.click("text=Back to the month")
    page.wait_for_url(lambda url: "from=" not in url)


def test_the_keyboard_walks_from_outage_to_outage(visit) -> None:
    page = visit(CIRCUIT)
    page.focus(".tape-box")

    page.keyboard.press("ArrowRight")

    assert page.evaluate("document.activeElement.classList.contains('tape-down')")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("from="))


def wait_for_stream(page) -> None:
    """Wait until the page hears of changes.

    Not by `wait_for_function`: what is not true at once it evaluates again, which our pages refuse.
    """
    page.evaluate(
        """deadline_ms => new Promise((done, failed) => {
            const ends = Date.now() + deadline_ms;
            const look = () => {
                const stream = document.body['htmx-internal-data']?.sseEventSource;
                if (stream?.readyState === 1) done();
                else if (Date.now() > ends) failed(new Error('no event stream'));
                else setTimeout(look, 20);
            };
            look();
        })""",
        DEADLINE_MS,
    )


def test_a_live_change_arrives_without_a_reload(portal, visit, monkeypatch) -> None:
    page = visit("/circuits/DEN-2?month=2025-10")
    page.evaluate("window.notReloaded = true")
    wait_for_stream(page)
    other = visit("/circuits/DEN-1?month=2025-10")
    before = other.inner_text("#now")
    real = portal.queries.circuit

    def changed(scope, name):
        from dataclasses import replace

        return replace(real(scope, name), state="down", channels_good=1)

    monkeypatch.setattr(portal.queries, "circuit", changed)
    portal.live.publish(["DEN-2"])

    page.wait_for_selector("#now .state-down")
    assert "1 of 4 channels up" in page.inner_text("#now")
    assert page.evaluate("window.notReloaded")
    assert other.inner_text("#now") == before, "another circuit's page is left alone"


def test_an_open_page_says_by_itself_that_nothing_comes_any_more(portal, visit) -> None:
    page = visit("/")
    page.evaluate("window.notReloaded = true")
    wait_for_stream(page)
    assert "both circuits in time" in page.inner_text("#strip")

    portal.clock.move_to((NOW_S + 600) * 1_000_000)
    try:
        page.wait_for_selector("#strip .stale", timeout=3 * DEADLINE_MS)
        page.wait_for_selector("#list .state.is-stale")
        words = page.inner_text("#strip") + page.inner_text("#list")
    finally:
        portal.clock.move_to(NOW_S * 1_000_000)

    assert "Nothing newer than 17:0" in words
    assert "in time" not in words
    assert "Was up" in words
    assert page.evaluate("window.notReloaded")
    page.wait_for_selector("#strip .stale", state="detached", timeout=3 * DEADLINE_MS)
    assert "both circuits in time" in page.inner_text("#strip")


def test_how_an_overdue_circuit_stood_is_at_the_right_beside_a_long_sentence(portal, visit) -> None:
    portal.clock.move_to((NOW_S + 600) * 1_000_000)
    try:
        page = visit("/circuits/DEN-1")
    finally:
        portal.clock.move_to(NOW_S * 1_000_000)
    head, stand = (page.locator(name).bounding_box() for name in (".head", ".stand"))

    assert "Was up" in page.inner_text(".stand")
    assert stand["x"] + stand["width"] == pytest.approx(head["x"] + head["width"], abs=1)
    assert stand["y"] < head["y"] + 20


def test_a_page_that_has_lost_the_node_says_so_and_goes_on_by_itself(portal, chromium) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(portal.address + "/")
    page.fill("#user", "acme")
    page.fill("#password", PASSWORD)
    page.click("main button")
    wait_for_stream(page)
    assert not page.is_visible("#cut-off")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))

    portal.live.close()
    page.wait_for_selector("#cut-off", state="visible", timeout=3 * DEADLINE_MS)
    said = page.inner_text("#cut-off")
    hatched = page.eval_on_selector(".state", "e => getComputedStyle(e).backgroundImage")
    portal.live._closed = False  # the node is back
    page.wait_for_selector("#cut-off", state="hidden", timeout=3 * DEADLINE_MS)
    page.wait_for_load_state("networkidle")
    context.close()

    assert re.fullmatch(
        r"This page has lost the node at \d\d:\d\d:\d\d \w+: what it shows is as of then. "
        r"It goes on by itself.",
        said,
    )
    assert "gradient" in hatched
    assert {"strip", "list"} <= {url.partition("part=")[2] for url in fetched}


def test_a_value_that_changed_live_flashes_and_not_for_who_asks_for_calm(portal, visit) -> None:
    flashing, calm = visit("/circuits/DEN-1"), visit("/circuits/DEN-1", reduced_motion="reduce")
    sets_flash = "e => { e.classList.add('flash'); return getComputedStyle(e).animationName }"

    assert flashing.eval_on_selector("[data-key=state]", sets_flash) == "flash"
    assert calm.eval_on_selector("[data-key=state]", sets_flash) == "none"


@pytest.mark.parametrize("path", ["/", CIRCUIT, "/alarms", "/maintenance", "/reports", "/data"])
@pytest.mark.parametrize("width", [390, 601, 820])
def test_no_page_scrolls_sideways(visit, path, width) -> None:
    page = visit(path, "noc", width=width)

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_the_page_reads_and_forms_work(visit) -> None:
    page = visit(CIRCUIT, java_script_enabled=False)
    text = page.inner_text("main")

    assert "99.98879" in text
    assert "2,678,100 / (2,678,100 + 300)" in text
    page.click("text=Latency as a table")
    assert page.locator(".twin tbody tr").first.is_visible()
    page.click("text=November 2025")
    assert "month=2025-11" in page.url
    page.click("text=Sign out")
    page.wait_for_selector("#password")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_people_need(visit, scheme) -> None:
    page = visit(CIRCUIT, color_scheme=scheme)
    ratios = page.evaluate(
        """() => {
          const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => {
            const s = v / 255; return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const ground = light(getComputedStyle(document.body).backgroundColor);
          return [...document.querySelectorAll("main p, td, th, .verdict, .quiet, .unit, h1")]
            .filter((e) => e.textContent.trim()).map((e) => {
              const ink = light(getComputedStyle(e).color);
              return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05); });
        }"""
    )

    assert len(ratios) > 50
    assert min(ratios) >= 4.5


def test_everything_can_be_reached_by_keyboard_and_has_a_name(visit) -> None:
    page = visit(CIRCUIT)

    nameless = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input:not([type=hidden])")].filter((e) =>
          !e.textContent.trim() && !e.getAttribute("aria-label") && !e.labels?.length).length"""
    )
    page.keyboard.press("Tab")

    assert nameless == 0
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"


def test_the_fixture_day_of_the_outage_is_where_the_tape_shows_it(visit) -> None:
    page = visit(CIRCUIT)
    start = page.locator(".tape-row").first.locator(".tape-down").get_attribute("data-start")

    assert int(start) == OCTOBER + 8 * S + 33_060
