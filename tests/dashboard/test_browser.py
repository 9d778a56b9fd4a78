"""The real thing in Chromium.

No errors, no request to anywhere else, live curves, downloads, clicks.
"""

import importlib.util
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from fsh_core.cli import main
from fsh_core.review import load_queue, open_review
from tests.conftest import REPOSITORY
from tests.dashboard.poisoned import CARD, NAME, poison
from tests.dashboard.visited import with_visits

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
if not CHROMIUM.is_file():
    pytest.skip(f"no Chromium at {CHROMIUM}; set $CHROMIUM", allow_module_level=True)

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SLOW_MS = 120_000
ROW_PIXELS = 35
REACTION_MS = 200  # no hand clicks sooner after it has moved


def driving() -> Any:
    """The script that drives the pages for the pictures.

    It knows how to start the server and the browser.
    """
    path = REPOSITORY / "scripts" / "dashboard_browser.py"
    spec = importlib.util.spec_from_file_location("dashboard_browser", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests."""
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=list(driving().FLAGS)
        )
        yield started
        started.close()


class Visit:
    """A page in the browser, and everything it complained of or asked for elsewhere."""

    def __init__(self, browser: Any, printed: str) -> None:
        self.printed, self.address = printed, printed.partition("/?")[0]
        self.page = browser.new_page(
            viewport={"width": 1400, "height": 1000}, accept_downloads=True
        )
        self.page.set_default_timeout(SLOW_MS)
        self.complaints: list[str] = driving().complaints_of(self.page, printed)

    def open(self, path: str) -> Any:
        self.page.goto(driving().at(self.printed, path))
        self.page.wait_for_selector("h1")
        self.page.wait_for_selector("[data-test-script-state=notRunning]")
        return self.page


@pytest.fixture
def visit(browser: Any, study: Path, run_folder: Path) -> Iterator[Visit]:
    """The dashboard on a study with a run in it."""
    (run_folder / "runs").rename(study / "runs")
    with driving().serving(str(study)) as printed:
        visited = Visit(browser, printed)
        yield visited
        visited.page.close()


def test_every_page_opens_without_an_error_and_stays_on_this_machine(visit: Visit) -> None:
    for path, title in (
        ("", "Cohort"),
        ("lesions", "Lesions"),
        ("case", "Case"),
        ("training", "Training"),
    ):
        page = visit.open(path)
        assert page.locator("h1").inner_text() == title
        page.wait_for_timeout(1000)
        assert page.locator("[data-testid=stException]").count() == 0
    assert visit.complaints == []


def test_a_new_run_is_noticed_and_notes_are_kept(browser: Any, run_folder: Path) -> None:
    with driving().serving(str(run_folder)) as printed:
        visit = Visit(browser, printed)
        page = visit.open("?run=runs/first")  # the page that a folder of runs opens with
        page.get_by_role("textbox", name=re.compile("Kept as notes.txt")).fill("<b>too fast</b>")
        page.get_by_role("button", name="Save notes").click()
        page.get_by_text("Saved.").wait_for()
        notes = run_folder / "runs" / "first" / "notes.txt"
        assert notes.read_text() == "<b>too fast</b>"
        (run_folder / "runs" / "second").rename(run_folder / "runs" / "third")
        list_until(page, "Runs", "runs/third")
        assert visit.complaints == []
        page.close()


def list_until(page: Any, label: str, option: str) -> None:
    """Open a list again and again until it holds an option.

    An open list does not change, and a page that is drawn again closes it.
    """
    deadline = time.monotonic() + SLOW_MS / 1000
    while time.monotonic() < deadline:
        page.get_by_role("combobox", name=re.compile(label)).click()
        page.wait_for_timeout(1000)
        if page.get_by_role("option", name=option).is_visible():
            return
        page.keyboard.press("Escape")
        page.wait_for_timeout(2000)
    pytest.fail(f"{option} never came into the list {label}")


def test_a_missing_visit_is_seen_and_found(browser: Any, study: Path) -> None:
    with_visits(study)
    (study / "participants.tsv").write_text("participant_id\nsub-P1\nsub-P9\n")
    with driving().serving(str(study)) as printed:
        visit = Visit(browser, printed)
        page = visit.open("quality")
        sync_api.expect(page.get_by_text("– no scan")).to_be_visible(timeout=SLOW_MS)
        page.get_by_text("Only patients with a missing").click()
        page.wait_for_url(re.compile("incomplete=true"))
        page.get_by_text("As a table").last.click()
        rows = page.locator("[data-testid=stDataFrame] canvas tbody tr")
        sync_api.expect(rows.filter(has_text="sub-P9")).to_contain_text("missing", timeout=SLOW_MS)
        assert visit.complaints == []
        page.close()


def test_the_page_says_nothing_of_streamlit(visit: Visit) -> None:
    page = visit.open("")
    page.wait_for_timeout(2000)  # a menu comes after the page
    own = "[data-testid=stAppDeployButton], [data-testid=stMainMenu], footer"
    assert page.locator(own).locator("visible=true").count() == 0
    words = page.locator("body").inner_text()
    for promotion in ("Streamlit", "Made with", "Deploy", "Get help", "Report a bug"):
        assert promotion.lower() not in words.lower()
    assert page.title() == "F.sh"
    assert page.locator("a[href*=streamlit]").count() == 0


def test_a_running_training_is_followed_and_the_choice_stays(
    visit: Visit, study: Path, new_epoch: Callable[..., dict[str, Any]]
) -> None:
    page = visit.open("training?run=runs/second&smoothing=0.5")
    # The first address that a new server is asked for goes through app.py too.
    links = page.locator("[data-testid=stSidebarNavLink]")
    sync_api.expect(links).to_have_text(
        [
            *("Cohort", "Lesions", "Case", "Change", "Quality", "Groups", "Evaluation"),
            *("Review", "Training", "Model", "Readers"),
        ],
        timeout=SLOW_MS,
    )
    page.get_by_text("12 of 40").wait_for()
    chart = page.locator(
        "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg.marks"
    ).first
    chart.wait_for()
    page.wait_for_timeout(5000)  # a chart may be drawn twice while the page settles
    chart.evaluate("element => { element.dataset.kept = 'yes' }")
    with (study / "runs" / "second" / "log.jsonl").open("a") as file:
        file.write(json.dumps(new_epoch(13)) + "\n")
    page.get_by_text("13 of 40").wait_for()
    assert page.locator("[data-kept=yes]").count() == 1  # the same chart: zoom and place are kept
    assert "smoothing=0.5" in page.url
    assert visit.complaints == []


def test_zooming_one_curve_zooms_all_of_a_run(visit: Visit) -> None:
    page = visit.open("training?run=runs/first")
    chart = page.locator("[data-testid=stVegaLiteChart]").first
    last = chart.locator("svg.marks text", has_text=re.compile("^40$"))
    sync_api.expect(last).to_have_count(4, timeout=SLOW_MS)  # losses, metrics, rate and speed
    page.wait_for_timeout(2000)
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 180)
    for _ in range(4):
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(REACTION_MS)
    sync_api.expect(last).to_have_count(0, timeout=SLOW_MS)
    assert visit.complaints == []


def test_the_download_holds_every_run(visit: Visit) -> None:
    page = visit.open("training?run=runs/first&run=runs/second")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download all epochs as CSV").click()
    table = pd.read_csv(downloading.value.path())
    assert table.groupby("run")["epoch"].max().to_dict() == {"runs/first": 40, "runs/second": 12}


def test_a_slice_slider_is_moved_by_the_keyboard(visit: Visit) -> None:
    page = visit.open("case?case=sub-P1")
    picture = page.locator("figure img").first
    before = picture.get_attribute("src")
    page.get_by_role("slider", name=re.compile("Axial")).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('figure img').src !== before", arg=before
    )
    assert visit.complaints == []


def first_table(page: Any) -> Any:
    """Give the first table, once it has a size.

    Streamlit once left a table without one for two minutes, in one run of these tests of forty;
    a person would load the page again.
    """
    table = page.locator("[data-testid=stDataFrame]").first
    try:
        table.wait_for(timeout=SLOW_MS / 4)
    except sync_api.TimeoutError:
        print("a table without a size; the page is loaded again")
        page.reload()
        table.wait_for()
    return table


def click_row(page: Any, row: int) -> None:
    """Click the box in front of a row of the first table; the cells are drawn on a canvas.

    As a hand does it: a table of Streamlit lets its last tick go only where it has seen the
    pointer come over it, and drawn again, before the click.
    """
    table = first_table(page)
    table.scroll_into_view_if_needed()
    place = {"x": 18, "y": ROW_PIXELS * (row + 1) + ROW_PIXELS / 2}
    table.hover(position=place)
    page.wait_for_timeout(REACTION_MS)
    table.click(position=place)


def expect_case(page: Any, case: str) -> None:
    """Wait until the box above the page holds a case."""
    box = page.get_by_role("combobox", name=re.compile("case", re.IGNORECASE))
    sync_api.expect(box).to_have_value(case, timeout=SLOW_MS)


def crosshair(page: Any, case: str) -> tuple[float, ...]:
    """Where the viewer stands once it shows a case, in RAS mm."""
    frame = page.frame_locator("iframe")
    frame.locator(f"body[data-ready='{case}']").wait_for()
    place = frame.locator("#place")
    return tuple(float(place.get_attribute(f"data-{axis}")) for axis in "ras")


def test_a_click_on_a_row_moves_the_crosshair_into_that_lesion(visit: Visit, study: Path) -> None:
    page = visit.open("lesions")
    for row, case, label in (
        (1, "sub-P1", 1),
        (2, "sub-P2", 1),
        (3, "sub-P1", 2),
        (0, "sub-P4", 1),
    ):  # largest first
        click_row(page, row)
        page.get_by_text(f"{case}, lesion {label},").wait_for()
        table = study / "derivatives" / "fsh" / case / "anat" / f"{case}_seg-lesions_dseg.tsv"
        lesion = pd.read_csv(table, sep="\t").set_index("index").loc[label]
        wanted = tuple(float(lesion[f"inside_{axis}_mm"]) for axis in "ras")
        sync_api.expect(page.frame_locator("iframe").locator("#place")).to_have_attribute(
            "data-r", f"{wanted[0]:.2f}", timeout=SLOW_MS
        )
        assert crosshair(page, case) == pytest.approx(wanted, abs=0.6)
        assert f"lesion={case}" in page.url
    assert visit.complaints == []


TICKED = "[data-testid=stDataFrame] canvas tbody tr[aria-selected=true] td:first-child"


def expect_ticked(page: Any, *first_cells: str) -> None:
    """Wait until these rows are ticked and no other; a screen reader is told which."""
    sync_api.expect(page.locator(TICKED)).to_have_text(list(first_cells), timeout=SLOW_MS)


def test_a_tick_follows_its_case_and_lesion_through_filters(visit: Visit) -> None:
    page = visit.open("")
    click_row(page, 1)
    expect_case(page, "sub-P2")
    expect_ticked(page, "sub-P2")
    page.get_by_role("textbox", name="Find").fill("P4")
    page.keyboard.press("Enter")
    expect_ticked(page)
    page.get_by_role("textbox", name="Find").fill("P2")
    page.keyboard.press("Enter")
    expect_ticked(page, "sub-P2")
    page = visit.open("lesions")
    click_row(page, 3)
    page.get_by_text("sub-P1, lesion 2,").wait_for()
    expect_ticked(page, "sub-P1")
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("spinbutton", name="to (mm³)").fill("100")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_text("One row per lesion").click()
    sync_api.expect(page.get_by_role("spinbutton", name="to (mm³)")).to_be_hidden()
    page.get_by_role("button", name="Queue all 3 shown").wait_for()
    page.wait_for_timeout(3000)
    rows = page.locator("[data-testid=stDataFrame] canvas tbody tr").all()
    chosen = [row for row in rows if row.get_attribute("aria-selected") == "true"]
    assert [row.locator("td").nth(2).inner_text() for row in chosen] == ["80"]
    assert page.get_by_text("sub-P1, lesion 2,").count() == 1
    assert visit.complaints == []


def test_the_first_click_unticks_a_row_that_a_filter_moved(visit: Visit) -> None:
    page = visit.open("lesions")
    click_row(page, 3)
    page.get_by_text("sub-P1, lesion 2,").wait_for()
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("spinbutton", name="to (mm³)").fill("100")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Queue all 3 shown").wait_for()
    page.keyboard.press("Escape")
    sync_api.expect(page.get_by_role("spinbutton", name="to (mm³)")).to_be_hidden()
    expect_ticked(page, "sub-P1")  # it was the fourth row and is the first
    click_row(page, 0)
    expect_ticked(page)
    page.wait_for_url(re.compile(r"lesions\?sizeto=100$"))
    click_row(page, 0)
    expect_ticked(page, "sub-P1")
    assert visit.complaints == []


def test_the_viewer_takes_what_it_shows_from_this_server(visit: Visit) -> None:
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    page = visit.open("lesions?case=sub-P1")
    assert crosshair(page, "sub-P1")
    images = [
        url for url in asked if url.startswith(f"{visit.address}/media/") and url.endswith(".gz")
    ]
    assert len(set(images)) == 3  # FLAIR, outlines, probability
    outlines = page.frame_locator("iframe").locator("#outline option")
    assert outlines.all_inner_texts() == ["Compare", "Found", "Reference", "No outlines"]
    assert visit.complaints == []


def test_the_viewer_is_in_sight_on_a_small_screen(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 1366, "height": 768})
    page = visit.open("lesions?case=sub-P1")
    crosshair(page, "sub-P1")
    planes = page.frame_locator("iframe").locator("canvas").bounding_box()
    assert planes is not None
    in_sight = 768 - planes["y"]
    assert in_sight > 0.85 * planes["height"]


def test_window_and_layout_of_the_viewer_can_be_changed(visit: Visit) -> None:
    page = visit.open("lesions?case=sub-P1")
    crosshair(page, "sub-P1")
    frame = page.frame_locator("iframe")
    before = frame.locator("#window").input_value()
    frame.locator("#window").fill("20")
    frame.locator("#layout").select_option("axial")
    frame.locator("#map").check()
    frame.locator("#outline").select_option("none")
    assert frame.locator("#legend span").count() == 0
    frame.locator("#reset").click()
    assert frame.locator("#window").input_value() == before
    assert visit.complaints == []


@pytest.fixture
def follow(browser: Any, followed: Path) -> Iterator[Visit]:
    """The dashboard on followed patients."""
    with driving().serving(str(followed)) as printed:
        visited = Visit(browser, printed)
        yield visited
        visited.page.close()


def place_of(page: Any, which: int, visit: str) -> tuple[float, ...]:
    """Where one of two viewers stands once it shows a visit, in RAS mm."""
    frame = page.frame_locator("iframe").nth(which)
    frame.locator(f"body[data-ready='{visit}']").wait_for()
    place = frame.locator("#place")
    return tuple(float(place.get_attribute(f"data-{axis}")) for axis in "ras")


def test_a_click_on_a_change_goes_to_it_in_both_visits(follow: Visit, followed: Path) -> None:
    page = follow.open("change")
    click_row(page, 0)
    page.get_by_text("m0 → m6", exact=True).first.wait_for()
    page.get_by_text("nothing before").wait_for()
    new = (30, 45, 0)
    assert place_of(page, 0, "sub-A m0") == pytest.approx(new, abs=1.5)
    home = followed / "derivatives" / "fsh" / "sub-A" / "tracks"
    record = json.loads((home / "sub-A_tracks.json").read_text())
    to_later = np.array(record["pairs"][0]["earlier_to_later"])
    assert place_of(page, 1, "sub-A m6") == pytest.approx((to_later @ [*new, 1])[:3], abs=1.5)
    # One crosshair: whoever moves it in one scan moves it in the other.
    page.frame_locator("iframe").nth(0).locator("#layout").select_option("axial")
    layout = page.frame_locator("iframe").nth(1).locator("#layout")
    sync_api.expect(layout).to_have_value("axial", timeout=SLOW_MS)
    canvas = page.frame_locator("iframe").nth(0).locator("#canvas")
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 0.45, "y": box["height"] * 0.6})
    page.wait_for_timeout(2000)
    before, after = place_of(page, 0, "sub-A m0"), place_of(page, 1, "sub-A m6")
    assert before != pytest.approx(new, abs=5)
    assert after == pytest.approx((to_later @ [*before, 1])[:3], abs=0.1)
    assert follow.complaints == []


def test_the_intervals_are_downloaded(follow: Visit) -> None:
    page = follow.open("change")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Intervals as CSV").click()
    table = pd.read_csv(downloading.value.path())
    assert table["patient"].tolist() == ["sub-A", "sub-A", "sub-B"]
    assert table["new"].tolist() == [1, 0, 0]
    assert follow.complaints == []


def test_a_queue_is_written_for_the_viewer(visit: Visit, study: Path) -> None:
    page = visit.open("review?rule=Disagreeing+with+the+reference")
    page.get_by_role("button", name="Write the queue").click()
    page.get_by_text("Written: derivatives/fsh/review_queue.json").wait_for()
    queue = load_queue(study / "derivatives" / "fsh")
    assert queue is not None
    assert [item.case for item in queue.items] == ["sub-P3"]
    assert visit.complaints == []


def test_a_lesion_goes_to_the_queue_and_comes_back_decided(visit: Visit, study: Path) -> None:
    page = visit.open("lesions?lesion=sub-P4:1")
    page.get_by_role("button", name="Queue lesion 1 of sub-P4").click()
    page.get_by_text("now has 1 case").wait_for()
    queue = load_queue(study / "derivatives" / "fsh")
    assert queue is not None
    review = open_review(
        study / "derivatives" / "fsh" / queue.items[0].record, "AB"
    )  # as the plugin does
    review.set_status(queue.items[0].lesions[0], "rejected")
    visit.open("lesions?status=rejected")
    metric = page.locator("[data-testid=stMetric]").first
    sync_api.expect(metric).to_contain_text("1", timeout=SLOW_MS)
    page = visit.open("")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Cases as CSV").click()
    cases = pd.read_csv(downloading.value.path()).set_index("case")
    assert cases.loc["sub-P4", "review"] == "in progress (AB)"
    assert cases.loc["sub-P4", "lesion_volume_ml"] == 0.1875
    assert cases.loc["sub-P4", "reviewed_lesion_volume_ml"] == 0
    assert visit.complaints == []


def test_a_chart_is_saved_as_png_and_svg(visit: Visit) -> None:
    page = visit.open("")
    name = "Histogram of Lesion volume (ml)"
    page.locator(f"[aria-label='{name}']").first.hover()
    with page.expect_download() as downloading:
        page.get_by_role("button", name=f"Download as PNG: {name}").click()
    assert downloading.value.path().read_bytes().startswith(b"\x89PNG")
    page.get_by_role("combobox", name="Chart", exact=True).select_option(name)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Save as SVG").click()
    assert downloading.value.suggested_filename == "fsh-histogram-of-lesion-volume-ml.svg"
    drawing = ElementTree.parse(downloading.value.path()).getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "Lesion volume (ml)" in "".join(drawing.itertext())
    assert visit.complaints == []


def test_a_row_is_chosen_by_the_keyboard(visit: Visit) -> None:
    page = visit.open("lesions")
    page.locator("[data-testid=stDataFrame] canvas").first.focus()
    for key in ("ArrowDown", "Shift+Space"):
        page.keyboard.press(key)
    page.get_by_text(re.compile("^sub-P[124], lesion")).wait_for()
    assert "lesion=sub-P" in page.url


def test_lesions_are_downloaded_for_a_spreadsheet(visit: Visit) -> None:
    page = visit.open("lesions")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Lesions as CSV").click()
    path = downloading.value.path()
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # how Excel knows UTF-8
    assert len(pd.read_csv(path)) == 6


def test_the_address_holds_the_slices(visit: Visit) -> None:
    page = visit.open("case?case=sub-P2&axial=5&coronal=20")
    for name, index in (("Axial", "5"), ("Coronal", "20")):
        sync_api.expect(page.get_by_role("slider", name=re.compile(name))).to_have_value(
            index, timeout=SLOW_MS
        )
    expect_case(page, "sub-P2")
    assert visit.complaints == []


def test_the_report_of_the_cases_shown_is_the_same_every_time(visit: Visit) -> None:
    pages = []
    for _ in range(2):
        page = visit.open("?find=P1")
        with page.expect_download() as downloading:
            page.get_by_role("button", name="Report as HTML").click()
        pages.append(downloading.value.path().read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    assert "1 of 4 cases in derivatives/fsh" in pages[0]
    assert "Filters: name contains P1" in pages[0]
    assert visit.complaints == []


def test_groups_are_compared_by_column_and_number(browser: Any, trial: Path) -> None:
    with driving().serving(str(trial)) as printed:
        visited = Visit(browser, printed)
        page = visited.open("groups")
        page.get_by_text("3 tests, corrected together").wait_for()
        page.get_by_role("combobox", name="Compared with").click()
        page.wait_for_timeout(1000)  # a list that is still opening hears no letters
        page.keyboard.type("placebo")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Differences from placebo").wait_for()
        assert "baseline=placebo" in page.url
        # A button of the page before is still there until this one is drawn to its end.
        page.locator("[data-test-script-state=notRunning]").first.wait_for()
        page.wait_for_timeout(500)
        with page.expect_download() as downloading:
            page.get_by_role("button", name="Differences as CSV").click()
        table = pd.read_csv(downloading.value.path(), na_values="n/a")
        assert set(table["baseline"]) == {"placebo"}
        assert table["p_adjusted"].notna().all()
        page.get_by_role("combobox", name="Group by").click()
        page.wait_for_timeout(1000)  # a list that is still opening hears no letters
        page.keyboard.type("site")
        page.keyboard.press("Enter")
        page.get_by_text("0 tests, corrected together").wait_for()
        assert page.locator("[data-testid=stException]").count() == 0
        assert visited.complaints == []
        visited.page.close()


def test_a_study_is_chosen_and_the_page_of_change_is_one_click_away(
    browser: Any, scored: Path
) -> None:
    with driving().serving(str(scored)) as printed:
        visited = Visit(browser, printed)
        page = visited.open("evaluation?study=scores")
        page.get_by_text("scores: predictions against references").wait_for()
        page.get_by_role("heading", name="Lesions by size").wait_for()
        page.get_by_role("combobox", name="Study").click()
        page.keyboard.type("raters")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Consensus (STAPLE)").wait_for()
        assert "study=raters" in page.url
        page.get_by_role("link", name="What fsh track found").click()
        sync_api.expect(page.locator("h1")).to_have_text("Change", timeout=SLOW_MS)
        assert visited.complaints == []
        visited.page.close()


MARKED_UP = (
    "img[src*='evil'], img[src='x'], a[href*='evil'], .katex, [data-testid=stMarkdownContainer] "
    ":is(script, strong strong, h1 h1)"
)


@pytest.mark.parametrize(
    "path",
    [
        "?mosaic=true&x=image",
        "lesions?case=sub-P1",
        "lesions?case={case}",
        "case?case=sub-P1",
        "case?case={case}",
        "change?patient=sub-P1",
        "quality",
        "groups",
        "evaluation?study={run}/evaluation",
        "evaluation?study={run}/agreement",
        "review",
        "training?run=runs/{run}&run=runs/first",
        "training?run=runs/{run}",
        "model?card={card}",
    ],
)
def test_nothing_of_a_file_becomes_markup(visit: Visit, study: Path, path: str) -> None:
    case = poison(study, study / "runs" / "second")
    page = visit.open(path.format(case=quote(case), run=quote(NAME), card=quote(CARD)))
    page.wait_for_timeout(3000)
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.locator(MARKED_UP).count() == 0
    assert page.evaluate("window.hit") is None
    for chart in page.locator("[data-testid=stVegaLiteChart]").all():
        chart.scroll_into_view_if_needed()
        chart.hover()
    page.wait_for_timeout(500)
    assert page.locator(MARKED_UP).count() == 0
    assert visit.complaints == []


def test_a_trial_is_seen_whole_by_who_runs_it_and_in_part_by_who_reads(
    browser: Any, study: Path
) -> None:
    results = study / "derivatives" / "fsh"
    for command in (
        ["assign", "--reader", "Anna", "--reader", "Ben", "--per-case", "2", "--seed", "7"],
        ["sign", "--reader", "Anna"],
        ["sign", "--reader", "Ben"],
        ["adjudicate"],
    ):
        if command[0] == "sign":
            record = results / "sub-P1" / "anat" / "sub-P1_seg-lesions_dseg.json"
            review = open_review(record, command[-1])
            for label in review.lesions:
                review.set_status(label, "accepted")
            review.set_case_status("completed")
        assert main(["readers", command[0], str(results), *command[1:]]) == 0
    with driving().serving(str(study)) as printed:
        visit = Visit(browser, printed)
        page = visit.open("readers")
        final = page.locator("[data-testid=stMetric]", has_text="Final")
        assert final.locator("[data-testid=stMetricValue]").inner_text() == "1"
        page.get_by_text("1 of 4 cases with a final reading").wait_for()
        page.locator("[data-testid=stVegaLiteChart]").first.wait_for()
        assert visit.complaints == []
        page.close()
    with driving().serving(str(study), "--reader", "Ben") as printed:
        visit = Visit(browser, printed)
        page = visit.open("readers")
        page.get_by_text("Ben reads blinded").wait_for()
        links = page.locator("[data-testid=stSidebarNavLink]")
        assert links.all_inner_texts() == ["Cohort", "Lesions", "Case", "Readers"]
        assert "Anna" not in page.locator("body").inner_text()
        assert visit.complaints == []
        page.close()
