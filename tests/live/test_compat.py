"""`run -f --compat acb`: a file of ACR Tasks that strict reading refuses runs as it does there."""

from __future__ import annotations

import pytest

from tests.live.workshop import Workshop

pytestmark = pytest.mark.live


def test_a_lax_file_is_refused_and_runs_as_it_does_in_acr(workshop: Workshop) -> None:
    workshop.context("ctx")
    (workshop.root / "ctx" / "task.yaml").write_text(
        "owner: me\nsteps:\n"
        f"  - cmd: {workshop.base} echo [{{{{.Values.none}}}}] && echo b\n    timeout: 30.5\n"
    )
    refused = workshop.call("run", "-f", "task.yaml", "ctx")
    assert refused.returncode == 4
    assert "task.yaml:3:40: template: .Values.none is not given" in refused.stdout

    done = workshop.call("run", "-f", "task.yaml", "ctx", "--compat", "acb")
    assert done.returncode == 0, done.stdout
    assert "[] && echo b" in done.stdout
    assert 'warning: task.yaml:4:14: "timeout" is read as 30' in done.stdout


def test_a_task_says_itself_how_it_is_read(workshop: Workshop) -> None:
    done = workshop.call("run", "web-api", "--compat", "acb")
    assert done.returncode == 64
    assert "--compat goes with -f FILE or --cmd" in done.stderr
