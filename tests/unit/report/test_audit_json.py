"""The JSON report keeps to its published schema and is the same bytes each time."""

from __future__ import annotations

import json

import jsonschema
import pytest

from reconciler.report.audit_json import audit_document, audit_json, audit_line
from reconciler.report.published import published_schema
from tests.golden.audit.scenario import report


def test_the_report_is_valid_by_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(published_schema("report"))
    jsonschema.validate(json.loads(audit_json(report())), published_schema("report"))


def test_the_schema_refuses_a_key_it_does_not_know() -> None:
    document = audit_document(report())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "host": "builder-7"}, published_schema("report"))


def test_the_same_report_gives_the_same_bytes() -> None:
    assert audit_json(report()) == audit_json(report())


def test_the_json_is_plain_ascii() -> None:
    assert audit_json(report()).isascii()


def test_one_line_tells_the_outcome() -> None:
    line = audit_line(report()).partition(": ")[2]
    assert line == (
        "4 failures, 1 warning, 2 waived, 1 NOT JUDGED (damaged, or of a newer version); "
        "5 declared, 6 live, 2 unmanaged"
    )
