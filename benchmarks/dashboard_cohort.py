"""How long the dashboard's pages take with many cases: simulated records and tables.

python -m benchmarks.dashboard_cohort [CASES] [--visits N] [--clicks N]

One case has images: the bundled one, which the page Case opens. The page Readers comes last, once
every tenth case was read by two. With visits, CASES patients have so many each, and the page about
change is timed. With clicks, the filters of Cohort and the slices of Case are then changed so many
times, and memory is told. Needs the extra ``dashboard``. The pages are run without a browser, so
drawing is not counted.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from streamlit.testing.v1 import AppTest

import fsh_dashboard
from benchmarks.cohort_files import (
    add_example,
    evaluate,
    follow,
    name_participants,
    read_by_two,
    simulate,
)
from fsh_core.sample import sample_case
from fsh_dashboard.data.cohort_tables import read_results
from fsh_dashboard.data.folder import open_folder

VIEWS = Path(fsh_dashboard.__file__).parent / "views"
PAGES = (
    "cohort",
    "lesions",
    "review",
    "quality",
    "case",
    "groups",
    "evaluation",
    "model",
    "training",
)
READ_EVERY = 10  # cases
Acts = dict[str, Callable[[], object]]


def main(cases: int, visits: int, clicks: int) -> None:
    """Print seconds for reading, then for each page: first, again, after a choice."""
    with tempfile.TemporaryDirectory() as home:
        results = Path(home) / "fsh"
        simulate(results, cases, visits)
        if visits > 1:
            follow(results, cases, visits)
            sys.argv = ["app.py", home]
            time_page("change")
            return
        name_participants(results, cases)
        evaluate(Path(home) / "scores", cases)
        example = add_example(Path(home))
        clock = time.perf_counter()
        read = read_results(open_folder([home]), "fsh")
        print(
            f"reading  {time.perf_counter() - clock:.2f} s: "
            f"{len(read.cases)} cases, {len(read.lesions)} lesions"
        )
        sys.argv = ["app.py", home, "--images", str(sample_case().flair.parent)]
        for name in PAGES:
            time_page(name, example)
        watch_memory(example, clicks)
        read_by_two(results, READ_EVERY)
        time_page("readers")


def open_page(name: str, example: str) -> AppTest:
    """Make a page ready to be run; that of a case has the bundled one."""
    page = AppTest.from_file(str(VIEWS / f"{name}.py"), default_timeout=600)
    if name == "case":
        page.query_params["case"] = example
    return page


def watch_memory(example: str, clicks: int) -> None:
    """Print the resident MB after every ten clicks on Cohort, and on Case."""
    cohort, case = (open_page(name, example) for name in ("cohort", "case"))
    for page, change in (
        (cohort, lambda click: cohort.text_input(key="find").set_value(f"{click:02d}").run()),
        (case, lambda click: case.slider(key="axial").set_value(60 + click).run()),
    ):
        page.run()
        for click in range(1, clicks + 1):
            change(click)
            if click % 10 == 0:
                held_mb = psutil.Process().memory_info().rss / 2**20
                print(f"{click} clicks: {held_mb:.0f} MB", flush=True)


def time_page(name: str, example: str = "") -> None:
    """Print seconds for a page, and those of work: on a busy machine the two differ."""
    page = open_page(name, example)
    acts: Acts = {"first": page.run, "again": page.run} | acts_of(name, page)
    for what, act in acts.items():
        clock, work = time.perf_counter(), time.process_time()
        act()
        print(
            f"{name:<10} {what:<8} {time.perf_counter() - clock:.2f} s, "
            f"{time.process_time() - work:.2f} s of work",
            flush=True,
        )
        if page.exception:
            raise RuntimeError(f"{name}: {page.exception[0].message}")


def acts_of(name: str, page: AppTest) -> Acts:
    """What is chosen on a page: a filter, a case."""
    acts: dict[str, Acts] = {
        "cohort": {
            "filter": lambda: page.text_input(key="find").set_value("00").run(),
            "mark": lambda: page.selectbox(key="case").set_value("sub-0007").run(),
        },
        "lesions": {
            "filter": lambda: page.number_input(key="sizefrom").set_value(100.0).run(),
            "mark": lambda: page.selectbox(key="case").set_value("sub-0007").run(),
        },
        "review": {"filter": lambda: page.number_input(key="most").set_value(20).run()},
        "case": {
            "filter": lambda: page.slider(key="axial").set_value(90).run(),
            "mark": lambda: page.selectbox(key="case").set_value("sub-0007").run(),
        },
        "groups": {
            "filter": lambda: page.selectbox(key="column").set_value("site").run(),
            "mark": lambda: page.multiselect(key="covariates").set_value(["age"]).run(),
        },
        "readers": {"filter": lambda: page.multiselect(key="stage").set_value(["reading"]).run()},
        "change": {
            "group": lambda: page.selectbox(key="group").set_value("arm").run(),
            "patient": lambda: page.selectbox(key="patient").set_value("sub-0007").run(),
        },
    }
    return acts.get(name, {})


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=int, nargs="?", default=1000)
    parser.add_argument("--visits", type=int, default=1)
    parser.add_argument("--clicks", type=int, default=0)
    words = parser.parse_args()
    main(words.cases, words.visits, words.clicks)


if __name__ == "__main__":
    run()
