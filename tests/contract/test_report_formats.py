"""The report's formats, read by programs that are not ours.

SARIF_MULTITOOL names the program `Sarif.Multitool` (npm package @microsoft/sarif-multitool), else
it is looked for on PATH; JUNIT_XSD names a schema of JUnit files, which lxml reads. `.ci/run`
brings all of them; without them those tests are skipped.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from junitparser import JUnitXml, Skipped

from reconciler.report.audit_csv import HEADER, audit_csv
from reconciler.report.junit import audit_junit
from reconciler.report.sarif import audit_sarif
from tests.golden.audit.scenario import report

# Read once, before the tests clean their environment.
_MULTITOOL = os.environ.get("SARIF_MULTITOOL") or shutil.which("Sarif.Multitool")
_XSD = os.environ.get("JUNIT_XSD")


@pytest.mark.skipif(_MULTITOOL is None, reason="no Sarif.Multitool (see the top of this file)")
@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
def test_the_multitool_finds_no_error_in_the_sarif(tmp_path: Path, empty: bool) -> None:
    made = report(policies=[], waivers=[], unreadable=[]) if empty else report()
    (tmp_path / "report.sarif").write_text(audit_sarif(made))
    words = ["validate", "report.sarif", "--rule-kind", "Sarif;Ghas", "--output", "found.sarif"]
    done = subprocess.run(
        [str(_MULTITOOL), *words],
        cwd=tmp_path,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (found,) = json.loads((tmp_path / "found.sarif").read_text())["runs"]
    # SARIF2005 wants an address of the product on the web; it has none to give.
    assert {result["ruleId"] for result in found["results"]} <= {"SARIF2005"}, done.stdout


@pytest.mark.skipif(_XSD is None, reason="JUNIT_XSD is not set (see the top of this file)")
@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
def test_the_junit_file_is_valid_by_the_schema(empty: bool) -> None:
    made = report(policies=[], waivers=[], unreadable=[]) if empty else report()
    etree = importlib.import_module("lxml.etree")
    schema = etree.XMLSchema(etree.parse(_XSD))
    schema.assertValid(etree.fromstring(audit_junit(made).encode()))


def test_a_junit_reader_counts_as_the_report_does() -> None:
    made = report()
    suites = {suite.name: suite for suite in JUnitXml.fromstring(audit_junit(made).encode())}
    assert list(suites) == [*[rule.id for rule in made.rules], "live-task-readable"]
    for rule in made.rules:
        suite, advisory = suites[rule.id], rule.enforcement == "advisory"
        assert suite.tests == made.population.judged
        assert suite.failures == (0 if advisory else rule.failed)
        assert suite.skipped == rule.waived + rule.not_applicable + rule.failed * advisory
        assert len(list(suite)) == suite.tests


def test_a_junit_reader_sees_which_waiver_skipped_a_case() -> None:
    suites = {suite.name: suite for suite in JUnitXml.fromstring(audit_junit(report()).encode())}
    (case,) = [case for case in suites["token-scope"] if case.name == "contoso/web-docs"]
    (result,) = case.result
    assert isinstance(result, Skipped)
    assert result.type == "waived"
    assert result.message.startswith("waived by W-17: ")


def test_a_csv_reader_gets_one_row_for_each_finding() -> None:
    made = report()
    rows = list(csv.DictReader(io.StringIO(audit_csv(made))))
    assert tuple(rows[0]) == HEADER
    verdicts = [row["verdict"] for row in rows]
    assert verdicts == ["error", *["fail"] * 4, "warn", *["waived"] * 2, *["set-aside"] * 2]
    assert {None} & set(rows[0]) == set()
