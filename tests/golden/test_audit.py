"""The printed forms of an audit report. RECONCILER_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from reconciler.report.audit_json import audit_json
from reconciler.report.page import audit_page
from tests.golden.audit.scenario import HOSTILE, report
from tests.golden.compare import check_golden

FOLDER = Path(__file__).parent / "audit"


def test_the_json_report_looks_as_before() -> None:
    check_golden(FOLDER / "report.json", audit_json(report()))


def test_the_page_looks_as_before() -> None:
    check_golden(FOLDER / "report.html", audit_page(report()))


class Page(HTMLParser):
    """Collects tags, and attributes that could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [name for name, _ in attrs if name in {"src", "href"} or name[:2] == "on"]


@pytest.fixture(name="page")
def parsed_page() -> Page:
    page = Page()
    page.feed(audit_page(report()))
    return page


def test_the_page_has_no_script_and_loads_nothing(page: Page) -> None:
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert page.links == []


def test_hostile_text_is_shown_and_does_nothing() -> None:
    text = audit_page(report())
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text
    assert "\x1b" not in text
