"""Whatever stands in a finding, every format can be read again and holds nothing that acts."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.diagnostics import Location
from reconciler.operations.auditing.audit_report import AuditReport
from reconciler.report.audit_csv import HEADER, audit_csv
from reconciler.report.audit_markdown import audit_markdown
from reconciler.report.junit import audit_junit
from reconciler.report.sarif import audit_sarif
from tests.golden.audit.scenario import report

ODD = st.text() | st.text(alphabet="=+-@|`[]()<>&\"'\\{}\n\t\r\x1b\u202e\ud800\ufffe", max_size=30)
base = cache(report)


def with_text(text: str) -> AuditReport:
    """The report with one text everywhere a person or a machine could have written it."""
    made = base()
    rows = tuple(
        replace(row, message=text, owner=text, found=text, allowed=text, fix=text)
        for row in made.failures
    )
    where = Location(text)
    waivers = tuple(replace(row, reason=text, ticket=text, where=where) for row in made.waivers)
    placed = tuple(replace(row, where=where, message=text) for row in made.waived)
    return replace(made, failures=rows, waived=placed, waivers=waivers)


@given(ODD)
def test_the_junit_file_is_xml_with_all_its_cases(text: str) -> None:
    made = with_text(text)
    tree = ET.fromstring(audit_junit(made).encode())  # noqa: S314  (written here)
    judged = made.population.judged * len(made.rules)
    assert len(tree.findall("testsuite/testcase")) == judged + 1


@given(ODD)
def test_the_sarif_is_ascii_json_with_all_its_results(text: str) -> None:
    written = audit_sarif(with_text(text))
    assert written.isascii()
    (run,) = json.loads(written)["runs"]
    assert len(run["results"]) == 7
    assert all(" " not in place for place in places(run))


def places(
    run: dict[str, list[dict[str, list[dict[str, dict[str, dict[str, str]]]]]]],
) -> list[str]:
    found = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    return [place["artifactLocation"]["uri"] for place in found]


@given(ODD)
def test_no_cell_of_the_csv_begins_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(audit_csv(with_text(text)), newline="")))
    assert {len(row) for row in rows} == {len(HEADER)}
    cells = [cell.strip() for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


@given(ODD)
def test_the_markdown_keeps_its_lines(text: str) -> None:
    made = with_text(text)
    lines = audit_markdown(made).splitlines()
    titles = [line for line in lines if line.startswith("#")]
    assert titles == [line for line in audit_markdown(base()).splitlines() if line.startswith("#")]
    assert "\x1b" not in "".join(lines)
