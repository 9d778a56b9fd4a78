"""Photograph the dashboard's pages from the real program: the pictures of docs/dashboard.md.

python scripts/dashboard_screenshots.py DATA WORK OUT

DATA is a folder of scans, segmented into WORK first; without it the bundled example is shown.
The side bar is left out. ``make screenshots`` does it all.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from dashboard_browser import (
    CHROMIUM,
    FLAGS,
    HEIGHT,
    MAIN,
    PATIENCE_MS,
    at,
    complaints_of,
    serving,
    wait_until_drawn,
)
from dashboard_study import RESULTS, make_study
from playwright.sync_api import Page, sync_playwright

from fsh_core.sample import sample_case
from fsh_dashboard.data.cohort_tables import read_results
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.queue_rules import RULES

WIDTH, TALLEST = 1440, 9000
# From a heading, or the first one, down to another, or to the end: left, top, width, height.
_SECTION = """([main, first, last]) => {
    const headings = [...document.querySelectorAll(`${main} h1, ${main} h2, ${main} h3`)];
    const heading = words => headings.find(h => h.innerText.startsWith(words));
    const top = words => heading(words).getBoundingClientRect().top - 16;
    const box = document.querySelector(main).firstElementChild.getBoundingClientRect();
    const end = last ? top(last) : box.bottom + 24;
    return [box.left - 32, top(first), box.width + 64, end - top(first)];
}"""
_NO_HEADER = "[data-testid=stHeader] { display: none }"


class Shot(NamedTuple):
    """One picture: a page with its state, and the headings from which to which it is shown."""

    name: str
    page: str
    first: str = ""
    last: str = ""
    scheme: str = "light"


def shots_of(folder: Path, is_real: bool) -> Iterator[Shot]:
    """Choose what to show: the case with the most false lesions is the one that is looked into."""
    cases = read_results(open_folder([str(folder)]), RESULTS).cases
    odd = cases.sort_values("false_lesions", ascending=False) if "false_lesions" in cases else cases
    case = str(odd["case"].iloc[0])
    marked = urlencode({"case": case})
    yield Shot("training", "training")
    yield Shot("cohort", f"?{marked}", last="Where the lesions are")
    yield Shot("map", f"?{marked}", "Where the lesions are", "Every scan")
    yield Shot("scans", f"?{marked}&mosaic=true", "Every scan")
    yield Shot("lesions", f"lesions?{marked}&false=true", last="Distributions")
    yield Shot("case", f"case?{marked}", scheme="dark")
    yield Shot("review", "review?" + urlencode({"rule": RULES["flagged"].title}))
    yield Shot("model", "model")
    if is_real:  # the bundled example has one patient, and nothing to compare
        yield Shot("quality", "quality")
        yield Shot("groups", "groups?" + urlencode({"column": "site"}))
        yield Shot("evaluation", "evaluation")
        yield Shot("readers", "readers")


def photograph(folder: Path, images: Path, out: Path, is_real: bool) -> None:
    """Photograph the pages of an opened folder whose scans lie in ``images``.

    Raises
    ------
    RuntimeError
        If a page complained, showed an error, or asked for something outside this machine.
    """
    out.mkdir(parents=True, exist_ok=True)
    with serving(str(folder), "--images", str(images)) as printed, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for shot in shots_of(folder, is_real):
            page = browser.new_page(
                color_scheme=shot.scheme, viewport={"width": WIDTH, "height": 1000}
            )
            complaints = complaints_of(page, printed)
            page.goto(at(printed, shot.page), timeout=PATIENCE_MS)
            wait_until_drawn(page)
            page.set_viewport_size(
                {"width": WIDTH, "height": min(TALLEST, max(700, page.evaluate(HEIGHT) + 40))}
            )
            wait_until_drawn(page)
            path = out / f"dashboard-{shot.name}.png"
            take(page, shot, path)
            if complaints or page.locator("[data-testid=stException]").count():
                raise RuntimeError(
                    f"{path}: the page complained: {'; '.join(complaints) or 'see the picture'}"
                )
            print(path, flush=True)
            page.close()
        browser.close()


def take(page: Page, shot: Shot, path: Path) -> None:
    """Save a part of the page."""
    page.add_style_tag(content=_NO_HEADER)
    left, top, width, height = page.evaluate(_SECTION, [MAIN, shot.first, shot.last])
    clip = {"x": left, "y": top, "width": width, "height": height}
    page.screenshot(path=path, clip=clip, timeout=PATIENCE_MS, animations="disabled")


def main(data: str, work: str, out: str) -> None:
    """Make the study, then every picture."""
    scans, study = Path(data), Path(work) / "study"
    is_real = make_study(scans, study)
    if not is_real:
        print(
            f"{scans}: no such folder, so the pictures show the bundled example; "
            "name scans with DATA=FOLDER"
        )
    photograph(study, scans if is_real else sample_case().flair.parent, Path(out), is_real)


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("work")
    parser.add_argument("out")
    words = parser.parse_args()
    main(words.data, words.work, words.out)


if __name__ == "__main__":
    run()
