"""The gallery: the default run's figures and screenshots of its report, copied into docs/gallery/.

By hand, after `snakemake --cores all`: python docs/gallery.py (needs Chromium and playwright)
"""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
RESULTS, OUT = ROOT / "results", ROOT / "docs" / "gallery"
PAGES = {  # name: page, width, theme
    "report": ("index.html", 1280, "light"),
    "report_samples": ("samples.html#b=arena_hard", 1280, "light"),
    "report_dark": ("samples.html#b=mt_bench", 1280, "dark"),
    "report_phone": ("index.html", 390, "light"),
}


def main() -> None:
    """Replace what docs/gallery/ holds."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for figure in sorted(RESULTS.glob("figure*.png")):
        shutil.copyfile(figure, OUT / figure.name)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (page_name, width, theme) in PAGES.items():
            page = browser.new_page(
                viewport={"width": width, "height": 860},
                color_scheme=theme,  # type: ignore[arg-type]
            )
            page.goto((RESULTS / "report").as_uri() + "/" + page_name)
            page.wait_for_timeout(800)
            page.screenshot(path=OUT / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
