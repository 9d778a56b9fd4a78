"""The page about a case: complete, self-contained, harmless, and in the reader's words."""

import base64
import errno
import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from fsh_core.derivatives import read_record, write_segmentation
from fsh_core.errors import InputError
from fsh_core.figures import glance, to_png
from fsh_core.lesions.regions import dissemination
from fsh_core.record import VolumeInterval
from fsh_core.report import LARGEST_SHOWN, draw, illustrate, write_report

EVALUATION = {
    "dice": 0.8123,
    "f1": 0.8123,
    "lesion_f1": 0.625,
    "volume_difference_ml": -6.34,
    "hd95_mm": float("nan"),
    "true_negative_voxels": 12345,
}


class Page(HTMLParser):
    """Text, tags and attributes of a page."""

    VOID = frozenset({"meta", "img", "input", "br"})

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self.cells, self.open = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open and data.strip():
            self.words.append(data.strip())
            if self.open[-1] == "td":
                self.cells.append(data.strip())

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out what takes most of the time: turning figures into pixels."""
    monkeypatch.setattr("fsh_core.report.case_report.to_png", lambda figure: b"\x89PNG picture")


@pytest.fixture
def write(make_segmentation, tmp_path, undrawn):
    """Write a report without its pictures, and read it."""

    def page(segmentation=None, **arguments):
        path = tmp_path / "report.html"
        write_report(segmentation or make_segmentation(), path, **arguments)
        return Page(path.read_text(encoding="utf-8"))

    return page


def with_record(segmentation, **changes):
    return replace(segmentation, record=segmentation.record.changed(**changes))


def many(segmentation, count):
    lesions = segmentation.lesions.iloc[[0] * count].reset_index(drop=True)
    lesions["label"] = np.arange(1, count + 1)
    return replace(segmentation, lesions=lesions)


def test_the_case_in_numbers(make_segmentation, write):
    page = write(make_segmentation("01", "a"))
    assert "sub-01_ses-a" in page.text
    assert "01_a_FLAIR.nii.gz" in page.words
    assert {
        "3",
        "Lesions",
        "0.27",
        "Total volume",
        "0.18",
        "Largest lesion",
        "Of the brain (98 ml)",
    } <= set(page.words)
    assert "The scan is skull-stripped." in page.words


def test_research_software_not_a_medical_device_is_said_twice(write):
    assert write().text.count("Research software, not a medical device") == 2
    assert "Not for diagnosis or treatment decisions" in write().text


def test_the_lesions_in_a_radiologists_words(write):
    page = write()
    # Lesion 1: voxels 12-17, 24-29, 9-10 of the LAS phantom; its inside point is right, posterior
    # and inferior.
    # Longest: by hand, sqrt(5² + 5² + 5²) from top to bottom face, sqrt(6² + 5²) within a slice.
    longest = "8.7, 7.8"
    assert page.cells[:8] == ["1", "180", "7.0", longest, "R 10", "P 2", "I 2", "0.88"]
    assert {"Longest", "3-D, axial, mm"} <= set(page.words)
    assert page.count("tr") == 1 + 3


def test_columns_follow_the_table(make_segmentation, write):
    segmentation = make_segmentation()
    lesions = segmentation.lesions.drop(columns=["contrast"]).assign(region="juxtacortical")
    page = write(replace(segmentation, lesions=lesions))
    assert "Contrast" not in page.words
    assert "Contrast" in write(segmentation).words
    assert page.cells.count("juxtacortical") == 3


def test_tables_of_earlier_versions_have_no_longest_diameters(make_segmentation, write):
    segmentation = make_segmentation()
    lesions = segmentation.lesions.drop(columns=["longest_diameter_mm", "axial_diameter_mm"])
    assert "Longest" not in write(replace(segmentation, lesions=lesions)).words
    page = write(
        replace(segmentation, lesions=segmentation.lesions.assign(axial_diameter_mm=np.nan))
    )
    assert "8.7, –" in page.cells


def test_the_border_is_mentioned_only_when_touched(make_segmentation, write):
    segmentation = make_segmentation()
    assert "Border" not in write(segmentation).words
    lesions = segmentation.lesions.assign(touches_border=[False, True, False])
    page = write(replace(segmentation, lesions=lesions))
    assert "Border" in page.words
    assert page.cells.count("touches") == 1


def test_the_largest_are_shown_and_the_rest_can_be(make_segmentation, write):
    page = write(many(make_segmentation(), LARGEST_SHOWN + 5))
    assert "Show 5 smaller lesions" in page.words
    assert ("tbody", {"class": "rest"}) in page.tags
    assert ("input", {"type": "checkbox", "id": "all"}) in page.tags
    assert page.count("tr") == 1 + LARGEST_SHOWN + 5


def test_few_lesions_need_no_switch(make_segmentation, write):
    page = write(many(make_segmentation(), LARGEST_SHOWN))
    assert not [tag for tag, _ in page.tags if tag in ("input", "label")]


def test_two_pages_are_printed_the_rest_is_in_the_table_file(make_segmentation, tmp_path, undrawn):
    write_report(many(make_segmentation(), LARGEST_SHOWN + 5), tmp_path / "a.html")
    style = (tmp_path / "a.html").read_text(encoding="utf-8").split("</style>")[0]
    print_style = style[style.index("@media print") :]
    assert ".rest, #all:checked ~ .table .rest { display: none; }" in print_style
    assert ".second { break-before: page; }" in print_style
    assert "size: A4" in style


def test_no_lesion(make_segmentation, write):
    page = write(make_segmentation(found=False))
    assert page.count("img") == 2
    assert (
        "No lesion was found at a probability of 0.5 or more and at least 3.0 mm³; quality"
        in page.text
    )
    assert "This does not mean that there is none." in page.text
    assert "Largest lesion" not in page.words
    assert page.count("table") == 0


def test_an_unknown_brain_is_a_warning(make_segmentation, write):
    brain = {"source": "none", "volume_ml": 98.2, "note": "lesions may be reported outside it"}
    page = write(with_record(make_segmentation(), brain=brain))
    assert ("p", {"class": "note warning"}) in page.tags
    assert "Lesions may be reported outside it." in page.words
    assert "Of the brain" not in page.text


def test_provenance(make_segmentation, write):
    segmentation = make_segmentation(threshold=0.4)
    page = write(segmentation)
    for fact in (
        "F.sh 0.1.0",
        "fsh-default",
        f"SHA-256 {'1c' * 32}",
        f"SHA-256 {segmentation.record.flair.sha256}",
        segmentation.record.flair.path,
        "48 × 56 × 20 voxels of 1 × 1 × 2.5 mm, LAS",
        "0.27 ml of lesion before, 0.27 ml after",
        "12.5 s, device cpu, threads 2, date 2026-11-22T12:00:00+00:00",
    ):
        assert fact in page.words
    settings = "threshold 0.4, minimum volume 3 mm³, regions yes, grow no, split no, smooth no"
    assert settings in page.text
    assert "widths 16–32–64–128–256" in page.text


def test_a_brain_mask_that_was_given_is_named(make_segmentation, write):
    segmentation = make_segmentation()
    inputs = segmentation.record.input | {"brain": {"path": "mask.nii.gz", "sha256": "ee" * 32}}
    page = write(with_record(segmentation, input=inputs))
    assert {"Brain", "mask.nii.gz", f"SHA-256 {'ee' * 32}"} <= set(page.words)


def test_a_predictor_without_weights(make_segmentation, write):
    assert "Weights" not in write(with_record(make_segmentation(), weights={})).words


def test_agreement_with_the_reference(write):
    page = write(evaluation=EVALUATION)
    assert {
        "Agreement with the reference",
        "Dice",
        "0.81",
        "Lesion F1",
        "0.62",
        "undefined",
    } <= set(page.words)
    assert "\N{MINUS SIGN}6.3" in page.words
    assert "12345" not in page.text
    assert "Agreement" not in write().text


def test_names_are_escaped(make_segmentation, write):
    nasty = '<script>alert("x")</script>&'
    segmentation = make_segmentation()
    before = segmentation.record
    record = before.changed(
        case=nasty,
        weights=before.weights.to_json() | {"name": nasty},
        input={"FLAIR": {"path": f"/data/{nasty}.nii.gz", "sha256": "00"}},
        brain=before.brain.to_json() | {"note": nasty},
    )
    page = write(
        replace(segmentation, record=record, lesions=segmentation.lesions.assign(region=nasty))
    )
    assert page.count("script") == 0
    assert page.text.count('alert("x")') >= 5


def test_nothing_comes_from_outside(write):
    page = write()
    assert not [
        tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object", "base", "form")
    ]
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert len(sources) == 3
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    policy = next(
        attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes
    )
    assert policy.startswith("default-src 'none'")


def test_no_address_in_the_file(make_segmentation, tmp_path, undrawn):
    write_report(make_segmentation(), tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\(|@import", html)


def test_the_page_is_well_formed(make_segmentation, write):
    page = write(many(make_segmentation(), 30), evaluation=EVALUATION)
    assert page.open == []


def test_the_reference_is_outlined_beside_the_prediction(make_segmentation, phantom, tmp_path):
    segmentation = make_segmentation()
    drawn = glance(
        phantom.flair,
        segmentation.prediction,
        segmentation.probability,
        phantom.reference,
        phantom.brain,
    )
    write_report(segmentation, tmp_path / "a.html", phantom.reference)
    assert base64.b64encode(to_png(drawn)).decode() in (tmp_path / "a.html").read_text(
        encoding="utf-8"
    )


def test_the_triptych_shows_the_probability_where_there_is_no_reference(make_segmentation):
    segmentation = make_segmentation()
    assert "Probability" in [text.get_text() for text in draw(segmentation).texts]
    assert "Probability" not in [
        text.get_text() for text in draw(segmentation, segmentation.prediction).texts
    ]


def test_picture_and_page_become_part_of_the_case(make_segmentation, phantom, tmp_path):
    segmentation = make_segmentation()
    paths = write_segmentation(
        segmentation, tmp_path / "out", illustrate(segmentation, phantom.reference, EVALUATION)
    )
    assert paths["figure"].read_bytes() == to_png(draw(segmentation, phantom.reference))
    assert "Agreement with the reference" in paths["report"].read_text(encoding="utf-8")
    assert {"figure", "report"} <= read_record(paths["record"]).files.keys()


def test_only_the_run_differs_between_runs(make_segmentation, tmp_path, undrawn):
    pages = []
    for seconds in (1.0, 2.0):
        write_report(make_segmentation(seconds=seconds), tmp_path / "a.html")
        pages.append((tmp_path / "a.html").read_text(encoding="utf-8").splitlines())
    differing = [line for line, other in zip(*pages, strict=True) if line != other]
    assert len(differing) == 1
    assert "1.0 s" in differing[0]


QUALITY = {
    "verdict": "caution",
    "summary": "The scan is to be read with caution because of coverage.",
    "checks": [
        {"name": "flair_likeness", "verdict": "pass", "value": 1.0, "reason": "Fluid is dark."}
    ],
}


def test_quality_stands_with_its_mark_and_reason(make_segmentation, write):
    page = write(with_record(make_segmentation(), quality=QUALITY))
    assert {"△ Caution", "✓ Pass", "FLAIR likeness", "Fluid is dark."} <= set(page.words)
    assert ("p", {"class": "note warning"}) in page.tags


def test_an_interval_that_is_not_guaranteed_says_so(make_segmentation, write):
    segmentation = make_segmentation()
    for is_guaranteed in (True, False):
        interval = VolumeInterval(low=0.2, high=0.6, rate=0.8, is_guaranteed=is_guaranteed)
        record = segmentation.record.changed(lesion_volume_interval_ml=interval)
        text = write(replace(segmentation, record=record)).text
        assert "80 % interval of a reader's volume" in text
        assert ("(not guaranteed: see the quality of the scan)" in text) != is_guaranteed


def test_no_lesions_are_reported_with_the_verdict_on_the_scan(make_segmentation, write):
    nothing = make_segmentation(found=False)
    assert (
        "quality of the scan: caution. This does not mean"
        in write(with_record(nothing, quality=QUALITY)).text
    )
    assert "quality of the scan: not checked. This does not mean" in write(nothing).text


REGIONS = {
    "found": True,
    "quality": 0.8,
    "note": "registered",
    "dissemination": dissemination(
        pd.DataFrame(
            {
                "region": ["periventricular", "infratentorial"],
                "volume_mm3": [1500.0, 90.0],
                **{f"extent_{axis}_mm": [9.0, 4.0] for axis in "ras"},
            }
        )
    ),
}


def test_both_readings_of_dissemination_and_what_was_not_assessed(make_segmentation, write):
    page = write(with_record(make_segmentation(), regions=REGIONS))
    assert (
        "McDonald 2017, dissemination in space: the regions seen here would suffice." in page.text
    )
    assert (
        "McDonald 2024, dissemination in space: the regions seen here would suffice." in page.text
    )
    assert page.text.count("Lancet Neurol") == 2
    assert (
        "Not assessed: optic nerve, spinal cord. A summary of this scan, not a diagnosis"
        in page.text
    )
    assert page.cells[:3] == ["periventricular", "1", "1.50"]


def test_regions_that_were_not_found_say_why(make_segmentation, write):
    lost = {
        "found": False,
        "quality": 0.1,
        "note": "the scan could not be registered to MNI152 (quality 0.10)",
    }
    page = write(with_record(make_segmentation(), regions=lost))
    assert "The scan could not be registered to MNI152 (quality 0.10)." in page.words
    assert "McDonald" not in page.text
    assert "Where the lesions lie" not in write().words


def test_both_counts_of_confluent_lesions(make_segmentation, write):
    page = write(with_record(make_segmentation(), part_count=5))
    assert {"3", "Lesions", "5", "Parts when split"} <= set(page.words)
    assert "Parts when split" not in write().words


def test_a_single_lesion_of_one_voxel_has_its_page(make_segmentation, phantom, write):
    segmentation = make_segmentation()
    labels = np.zeros_like(segmentation.lesion_labels)
    labels[24, 42, 12] = 1
    one = replace(
        segmentation, lesion_labels=labels, lesions=segmentation.lesions.iloc[[2]].assign(label=1)
    )
    assert write(one).count("img") == 3


def test_full_disk_leaves_nothing(make_segmentation, tmp_path, undrawn, monkeypatch):
    segmentation = make_segmentation()

    def fsync(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(InputError, match=r"a\.html: cannot be written"):
        write_report(segmentation, tmp_path / "out" / "a.html")
    assert list((tmp_path / "out").iterdir()) == []
