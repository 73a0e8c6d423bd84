"""The report as its reader meets it: a real browser, files from disk, no network.

Needs Chromium (Debian: `apt-get install chromium`); skipped where there is none.
"""

import json
import os
import re
import shutil
import time

import pytest
from report_results import config_of, plain_answer, small, write_results

from asft.report.report import make_report

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.optional,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]

ARGUMENTS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
WIDTHS = [1280, 390]
PLANTED = (
    "<script>window.planted = 1</script><img src=x onerror='window.planted = 2'>"
    "<svg onload=window.planted=3></svg></script><!-- \u2028 \0 javascript:alert(1) "
)
CODE = "Look:\n```python\n" + "x = 1; " * 60 + "\n```\nDone."
# Whatever sticks out of the window and no ancestor scrolls or clips.
STICKING_OUT = """() => [...document.querySelectorAll('body *')].filter((node) => {
  const box = node.getBoundingClientRect();
  if (box.width === 0 || box.right <= innerWidth + 1) return false;
  for (let up = node.parentElement; up; up = up.parentElement) {
    if (getComputedStyle(up).overflowX !== 'visible') return false;
  }
  return true;
}).map((node) => node.outerHTML.slice(0, 120))"""

# What holds more than it shows, but for tables, which scroll in a frame made for it.
OVERFULL = """() => [...document.querySelectorAll('body *')]
  .filter((node) => node.clientWidth && node.scrollWidth > node.clientWidth + 1)
  .filter((node) => !node.matches('.scroll, option'))
  .map((node) => `${node.scrollWidth} > ${node.clientWidth}: ${node.outerHTML.slice(0, 120)}`)"""
# Selects whose longest option would be cut, by the width of its text; 14 px hold the arrow.
CUT_OFF = """() => [...document.querySelectorAll('select')].flatMap((select) => {
  const pen = document.createElement('canvas').getContext('2d');
  const style = getComputedStyle(select);
  pen.font = style.font;
  const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return select.clientWidth
    ? [...select.options].map((o) => o.text).filter((t) => pen.measureText(t).width > room - 14)
    : [];
})"""


def build(folder, raw, **options):
    write_results(folder, raw, **options)
    make_report(json.dumps(raw), folder, folder / "report")
    return (folder / "report").as_uri()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    def answer(method, number, turn):
        if method == "asft" and number == 1:
            return PLANTED
        if method == "sft" and number == 3:
            return "unbroken" * 60 + " zanzibar"
        if method == "sft" and number == 2:
            return CODE
        if method == "sft" and number == 4:
            return f"<think>a folded thought</think>{plain_answer(method, number, turn)}"
        return plain_answer(method, number, turn)

    return build(tmp_path_factory.mktemp("ein Bericht"), small(), answer=answer)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        # Chromium's sandbox needs a user that is not root.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *sandbox])
        yield found
        found.close()


@pytest.fixture
def visit(browser):
    """Opens pages; afterwards nothing may have been complained of or asked of a network."""
    complaints, requests, contexts = [], [], []

    def new(address, width=1280, theme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        if "samples.html" in address:
            page.wait_for_selector("#list li", state="attached")
        return page

    yield new
    for context in contexts:
        context.close()
    assert not complaints
    assert [url for url in requests if not url.startswith("file://")] == []


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """With two seeds, which need more room for names."""
    return build(tmp_path_factory.mktemp("seeds"), small() | {"seeds": [1, 2]})


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("which", ["made", "several"])
def test_pages_fit_the_window(visit, request, which, width, theme):
    made = request.getfixturevalue(which)
    pages = ("index.html", "matrix.html", "samples.html")
    for name in (*pages, "samples.html#b=alpaca_en&q=alpaca_en-3"):
        page = visit(f"{made}/{name}", width, theme)
        if "q=" in name:
            page.wait_for_selector(".answer")
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
        assert page.evaluate(STICKING_OUT) == [], name
        assert page.evaluate(OVERFULL) == [], name
        assert page.evaluate(CUT_OFF) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_a_number_leads_to_its_samples(visit, made):
    page = visit(f"{made}/index.html")
    row = page.locator("#tables tr", has_text="asft").filter(has_text="hh_rlhf").first
    row.locator("td.num a").nth(3).click()
    page.wait_for_selector("#list li", state="attached")
    assert page.locator("#m").input_value() == "hh_rlhf/asft/seed42"
    assert page.locator("#s").input_value() == "lf_rougeL"
    assert page.locator("#list li").count() == 6


def test_a_mean_over_seeds_shows_the_answers_of_all(visit, several):
    page = visit(f"{several}/index.html")
    row = page.locator("#tables tr", has_text="asft").filter(has_text="hh_rlhf").first
    row.locator("td.num a").nth(3).click()
    page.wait_for_selector(".answer")
    chosen = page.locator("#m option:checked").text_content()
    assert chosen == "asft · hh_rlhf, mean of 2 seeds"
    for seed in (1, 2):
        assert page.locator(f"[data-contestant='hh_rlhf/asft/seed{seed}']").count() == 1
    badges = page.locator("[data-contestant^='hh_rlhf/asft'] .badge").all_text_contents()
    assert badges[0] != badges[1]
    mean = sum(map(float, badges)) / 2
    value = page.locator("#list .value").first.text_content()
    assert abs(float(value) - mean) <= 0.01
    page.select_option("#v", "hh_rlhf/sft")
    assert "asft · hh_rlhf, mean of 2 seeds − sft" in page.locator("#count").text_content()


def test_a_link_brings_back_what_was_seen(visit, made):
    page = visit(f"{made}/samples.html#b=mt_bench")
    page.select_option("#c", "=writing")
    page.select_option("#m", "ultrafeedback/asft/seed42")
    page.select_option("#r", "high")
    page.locator("#list a").nth(1).click()
    page.wait_for_selector("text=mt_bench 2")
    again = visit(page.url)
    again.wait_for_selector("text=mt_bench 2")
    for name in "cmr":
        assert again.locator(f"#{name}").input_value() == page.locator(f"#{name}").input_value()
    titles = [each.locator("#list .title").all_text_contents() for each in (page, again)]
    assert titles[0] == titles[1]
    assert len(titles[0]) == 2


def test_leafing_through_samples_leaves_one_place_to_go_back_from(visit, made):
    page = visit(f"{made}/samples.html#b=alpaca_en")
    page.wait_for_selector(".answer")
    before = page.evaluate("history.length")
    for number in (1, 2, 3):
        page.keyboard.press("j")
        page.wait_for_selector(f"#sample >> text=alpaca_en-{number}")
    page.keyboard.press("k")
    page.wait_for_selector("#sample >> text=alpaca_en-2")
    assert page.evaluate("history.length") == before + 1
    page.go_back()
    page.wait_for_function("!location.hash.includes('q=')")


def test_code_keeps_its_lines_and_paper_shows_what_the_screen_did(visit, made):
    page = visit(f"{made}/samples.html#b=alpaca_en&q=alpaca_en-2")
    page.wait_for_selector("pre.code")
    code = page.locator("pre.code").first
    assert code.text_content() == CODE.split("\n", 1)[1].rsplit("\n", 1)[0]
    assert page.evaluate(OVERFULL) == []
    page = visit(f"{made}/samples.html#b=alpaca_en")
    page.wait_for_selector(".answer")
    page.set_viewport_size({"width": 700, "height": 900})
    page.emulate_media(media="print")
    page.wait_for_timeout(300)
    assert page.locator(".answer").first.is_visible()


def test_thinking_is_folded_above_the_answer(visit, made):
    page = visit(f"{made}/samples.html#b=alpaca_en&q=alpaca_en-4")
    details = page.locator("[data-contestant*=sft] details.words", has_text="Thinking").first
    details.wait_for(state="attached")
    assert details.get_attribute("open") is None
    assert details.inner_text() == "Thinking"  # no more is seen
    details.locator("summary").click()
    assert "a folded thought" in details.inner_text()


def test_filters_and_search(visit, made):
    page = visit(f"{made}/samples.html#b=arena_hard")
    options = page.locator("#o option").all_text_contents()
    assert any(re.fullmatch(r"no verdict \([1-9]\)", option) for option in options)
    page.select_option("#o", "none")
    assert page.locator("#list li").count() == 1
    assert "Question 2" in page.locator("#list li").first.text_content()
    page.click("#reset")
    assert page.locator("#list li").count() == 6
    page = visit(f"{made}/samples.html#b=alpaca_en")
    page.fill("#t", "ZANZIBAR")
    sync_api.expect(page.locator("#list li")).to_have_count(1)
    page.wait_for_selector(".answer >> text=zanzibar")
    page.fill("#t", "no such words")
    page.wait_for_selector("text=No question passes these filters.")


def test_every_benchmark_shows_its_evidence(visit, made):
    page = visit(f"{made}/samples.html#b=arena_hard&q=arena_hard-0")
    page.wait_for_selector("text=Game 1, shown second (B)")
    page.wait_for_selector("text=Game 2, shown first (A)")
    assert page.locator(".answer.given >> text=The baseline.").is_visible()
    words = page.get_by_text("<b>Words</b> of server on 0").first
    assert not words.is_visible()
    page.keyboard.press("w")
    assert words.is_visible()
    page.select_option("#b", "mt_bench")
    page.wait_for_selector("text=Question, turn 2")
    assert page.locator(".shares").first.is_visible()
    assert page.locator(".answer.given >> text=Two.").is_visible()
    page.select_option("#b", "alpaca_en")
    page.wait_for_selector(".answer.given >> text=Gold answer 0")
    assert page.locator(".answer:not(.given)").count() == 3


def test_columns_can_be_hidden_and_controls_shown(visit, made):
    page = visit(f"{made}/samples.html#b=mt_bench")
    page.wait_for_selector(".answer")
    before = page.locator(".turn >> nth=0 >> .answer:not(.given)").count()
    page.locator(".chip", has_text="control_injection").click()
    page.wait_for_selector("[data-contestant=control_injection]")
    page.locator(".chip", has_text="base").click()
    page.wait_for_selector("[data-contestant=base]", state="detached")
    assert page.locator(".turn >> nth=0 >> .answer:not(.given)").count() == before


def test_the_keyboard_suffices(visit, made):
    page = visit(f"{made}/samples.html#b=alpaca_en")
    page.wait_for_selector("text=alpaca_en 1")
    for key, number in (("j", 2), ("ArrowRight", 3), ("k", 2), ("ArrowLeft", 1), ("k", 1)):
        page.keyboard.press(key)
        page.wait_for_selector(f".where >> text='alpaca_en {number}'")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("question 4")
    sync_api.expect(page.locator("#list li")).to_have_count(1)
    assert "alpaca_en-4" in page.locator(".where").text_content()


def test_a_planted_script_does_not_run(visit, made):
    for name, key in (("alpaca_en", "alpaca_en-1"), ("mt_bench", "mt_bench-1")):
        page = visit(f"{made}/samples.html#b={name}&q={key}&t=onerror")
        page.wait_for_selector(".answer >> text=<script>window.planted = 1</script>")
        assert page.evaluate("window.planted") is None
        assert page.locator(".answer img, .answer svg, .answer script").count() == 0
    hostile = "%22%3E%3Cimg%20src%3Dx%20onerror%3Dwindow.planted%3D4%3E"
    page = visit(
        f"{made}/samples.html#b=__proto__&m={hostile}&q={hostile}&x={hostile}&s=constructor"
    )
    page.wait_for_selector(".answer")
    assert page.evaluate("window.planted") is None


def test_light_and_dark(visit, made):
    page = visit(f"{made}/index.html", theme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.click("#theme")
    light = page.evaluate(background)
    assert light != dark
    page.reload()
    assert page.evaluate(background) == light
    assert visit(f"{made}/index.html", theme="light").evaluate(background) == light


def test_a_narrow_window_shows_list_or_sample(visit, made):
    page = visit(f"{made}/samples.html#b=alpaca_en", width=390)
    assert not page.locator(".answer").first.is_visible()
    page.locator("#list a").nth(2).click()
    page.wait_for_selector(".answer")
    assert not page.locator("#list").is_visible()
    page.click("[data-action=list]")
    assert page.locator("#list").is_visible()


def test_five_hundred_questions_by_six_methods_open_fast(visit, tmp_path, capsys):
    methods = ["base", "sft", "dpo", "ipo", "orpo", "asft"]

    def answer(method, number, turn):
        return f"{method} on {number}: " + "The answer goes on for a while. " * 50

    raw = config_of({"datasets": ["hh_rlhf"], "methods": methods})
    began = time.perf_counter()
    address = build(tmp_path, raw, questions=500, answer=answer)
    built = time.perf_counter() - began
    began = time.perf_counter()
    page = visit(f"{address}/samples.html#b=alpaca_en&m=hh_rlhf/asft/seed42&r=high")
    page.wait_for_selector(".answer")
    opened = time.perf_counter() - began
    began = time.perf_counter()
    page.locator("#list a").nth(499).click()
    page.wait_for_selector(".where >> text=500 of 500")
    moved = time.perf_counter() - began
    began = time.perf_counter()
    page.fill("#t", "asft on 123")
    sync_api.expect(page.locator("#list li")).to_have_count(1)
    searched = time.perf_counter() - began
    with capsys.disabled():
        print(
            f"\n500 x 6: inputs and report made in {built:.1f} s; first page and sample"
            f" {opened:.2f} s, last sample {moved:.2f} s, search in all answers {searched:.2f} s"
        )
    assert opened < 10
    assert moved < 5
    assert searched < 20
