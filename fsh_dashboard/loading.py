"""Choosing and reading results, once for each state of the files.

Shared by the pages about cases.
"""

import hashlib
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.cases import Case
from fsh_core.record import Record
from fsh_dashboard import page
from fsh_dashboard.choices import choose_one_of
from fsh_dashboard.data.cohort_tables import (
    Results,
    Stamp,
    fingerprints,
    read_results,
    stamps_of,
)
from fsh_dashboard.data.folder import Opened, find_results, find_runs
from fsh_dashboard.data.reviews import Reviews, read_reviews, with_review, with_status
from fsh_dashboard.data.scans import CaseImages, load_case_images, reference_overlap
from fsh_dashboard.data.sources import Source, find_source, known_cases
from fsh_dashboard.data.visits import visit_facts
from fsh_dashboard.data.volumes import layers, window


def choose_results(opened: Opened) -> Results:
    """Let a derivatives folder be chosen where there are several.

    Without cases the page ends with what to do.
    """
    names = find_results(opened)
    if not names:
        if not find_runs(opened):
            page.begin_here(opened, "This folder holds no segmented case and no training run yet.")
        page.empty(
            "No segmented case in this folder. They are made with:",
            f"fsh segment SCANS --out {shlex.quote(f'{opened.root}/derivatives/fsh')}",
        )
    name = choose_one_of("results", names, "Results", "Results folder")
    results = load(opened, name)
    page.tell_problems(results.problems)
    if results.cases.empty:
        page.empty(
            "No case in this folder can be read. Cases are made with:",
            "fsh segment SCANS --out derivatives/fsh",
        )
    return results


def load(opened: Opened, name: str) -> Results:
    """Read results with what readers decided; from memory while no file has changed."""
    return _current(opened, name)[0]


def reviews_of(opened: Opened, name: str) -> Reviews:
    """Read what readers decided, or take it from memory while no file has changed."""
    return _current(opened, name)[1]


def _current(opened: Opened, name: str) -> tuple[Results, Reviews]:
    cases, reviews = fingerprints(opened, name)
    return _reviewed(opened, name, digest(cases), digest(reviews))


def digest(stamps: tuple[Stamp, ...]) -> str:
    """Sum up the state of files in one word: Streamlit goes through thousands of them slowly."""
    return hashlib.sha256(repr(stamps).encode()).hexdigest()


@st.cache_resource(max_entries=8, show_spinner=False)
def _reviewed(opened: Opened, name: str, files: str, reviewed: str) -> tuple[Results, Reviews]:
    results = _load(opened, name, files)
    reviews = read_reviews(opened, results)
    if reviews.progress.empty:
        return results, reviews
    cases = with_review(results.cases, reviews)
    return replace(results, cases=cases, lesions=with_status(results.lesions, reviews)), reviews


@st.cache_resource(max_entries=8, show_spinner="Reading records …")
def _load(opened: Opened, name: str, files: str) -> Results:
    return read_results(opened, name)


def source_of(opened: Opened, results: str, record: Record) -> Source:
    """Find the scan and the reference of a record; data sets are searched once for a cohort.

    Raises
    ------
    InputError
        If the FLAIR is not there or may not be opened; the sentence names the recorded path.
    """
    return find_source(opened, results, record, _known_cases(opened, results))


@st.cache_resource(max_entries=8, ttl=60, show_spinner=False)
def _known_cases(opened: Opened, results: str) -> dict[str, Case]:
    return known_cases(opened, results)


def scans_of(opened: Opened, results: Results) -> dict[str, Case]:
    """Find the scans of the data sets, by the name of their case; searched once a minute."""
    return _known_cases(opened, results.name)


def visits_of(opened: Opened, results: Results) -> pd.DataFrame:
    """Read dates and scanners of the cases; again when a record has changed, or after a minute."""
    return _visits(opened, results.name, digest(fingerprints(opened, results.name)[0]), results)


@st.cache_data(max_entries=4, ttl=60, show_spinner="Reading dates and scanners …")
def _visits(opened: Opened, name: str, files: str, _results: Results) -> pd.DataFrame:
    return visit_facts(opened, _results, _known_cases(opened, name))


def images_of(opened: Opened, results: str, record: Record, paths: dict[str, Path]) -> CaseImages:
    """Load a scan with its maps, or take it from memory while its files have not changed.

    Raises
    ------
    InputError
        If the FLAIR may not be opened, or cannot be used.
    """
    source = source_of(opened, results, record)
    return _images(source, stamps_of(_files(source, paths)), paths)


def layers_of(
    opened: Opened, results: str, record: Record, paths: dict[str, Path]
) -> tuple[dict[str, bytes], tuple[float, float]]:
    """Pack a scan for the viewer, with its window, once for each state of its files.

    Raises as `images_of`.
    """
    source = source_of(opened, results, record)
    return _layers(source, stamps_of(_files(source, paths)), paths)


def overlap_of(
    opened: Opened, results: str, record: Record, paths: dict[str, Path]
) -> dict[int, float]:
    """Measure each lesion against the reference, once for each state of the files.

    Raises as `images_of`.
    """
    if "labels" not in paths:
        return {}
    source = source_of(opened, results, record)
    return _overlap(source, stamps_of(_files(source, paths)), paths)


def _files(source: Source, paths: dict[str, Path]) -> list[Path]:
    reference = [source.reference] if source.reference is not None else []
    return [source.flair, *reference, *paths.values()]


@st.cache_resource(max_entries=3, show_spinner="Reading the scan …")
def _images(source: Source, stamps: Any, _paths: dict[str, Path]) -> CaseImages:
    return load_case_images(source, _paths)


@st.cache_data(max_entries=64, show_spinner="Reading the scan …")
def _overlap(source: Source, stamps: Any, _paths: dict[str, Path]) -> dict[int, float]:
    return reference_overlap(_images(source, stamps, _paths), _paths["labels"])


@st.cache_resource(max_entries=3, show_spinner="Reading the scan …")
def _layers(
    source: Source, stamps: Any, _paths: dict[str, Path]
) -> tuple[dict[str, bytes], tuple[float, float]]:
    images = _images(source, stamps, _paths)
    return layers(images), window(images)
