"""The gallery: the default run's figures and screenshots of its report, copied into docs/gallery/.

By hand, after `snakemake --cores all`: python docs/gallery.py (needs Chromium and playwright)
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
RESULTS, OUT = ROOT / "results", ROOT / "docs" / "gallery"
PAGES = {  # name: page, width, theme
    "report": ("index.html", 1280, "light"),
    "report_samples": ("samples.html#b=arena_hard", 1280, "light"),
    "report_dark": ("samples.html#b=mt_bench", 1280, "dark"),
    "report_phone": ("index.html", 390, "light"),
}
SECTIONS = ("cost", "data", "judges", "health")  # ids on the front page
TABLES = {"abilities": '[aria-label="Table 4"]'}  # what a window shows from there on


def main() -> None:
    """Replace the pictures in docs/gallery/, once there is something to replace them with."""
    figures = sorted(RESULTS.glob("figure*.png"))
    if not figures or not (RESULTS / "report" / "index.html").is_file():
        sys.exit(f"{RESULTS}: no figures or no report; run `snakemake --cores all` first")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        OUT.mkdir(exist_ok=True)
        for picture in OUT.glob("*.png"):  # the recording of the demo stays: docs/recording.py
            picture.unlink()
        for figure in figures:
            shutil.copyfile(figure, OUT / figure.name)
        for name, (page, width, theme) in PAGES.items():
            _screenshot(browser, name, page, width, theme)
        for section in SECTIONS:
            _screenshot(browser, f"report_{section}", "index.html", 1280, "light", f"#{section}")
        for name, first in TABLES.items():
            _screenshot(browser, f"report_{name}", "index.html", 1280, "light", start=first)
        browser.close()


def _screenshot(
    browser: Browser,
    name: str,
    page_name: str,
    width: int,
    theme: str,
    section: str = "",
    start: str = "",
) -> None:
    """What a window shows of a page, from `start` on if given, or one section of it in full."""
    page = browser.new_page(
        viewport={"width": width, "height": 860},
        color_scheme=theme,  # type: ignore[arg-type]
    )
    page.goto((RESULTS / "report").as_uri() + "/" + page_name)
    page.wait_for_timeout(800)
    target = OUT / f"{name}.png"
    if section:
        page.locator(section).screenshot(path=target)
    else:
        if start:
            page.locator(start).first.evaluate("found => found.scrollIntoView()")
        page.screenshot(path=target)
    page.close()


if __name__ == "__main__":
    main()
