"""A Dockerfile whose base images cannot be found out: the builder judges it, nobody before it."""

from __future__ import annotations

from tests.live.workshop import Workshop


def test_the_builder_says_what_is_wrong_and_the_warning_stands_before_it(
    workshop: Workshop,
) -> None:
    folder = workshop.context("app", "COPY --from=missing$X /a /a")
    (folder / "task.yaml").write_text("version: v1.1.0\nsteps:\n  - {id: image, build: -t a:1 .}\n")
    for words in (("build", "app", "-t", "never"), ("run", "-f", "task.yaml", "app")):
        done = workshop.call(*words)
        said = done.stdout + done.stderr
        assert done.returncode == 4, said
        record = workshop.last()
        assert (record["reason"], record["steps"][0]["status"]) == ("step", "failed")
        assert (
            "warning: the base images are not known" in workshop.call("logs", record["id"]).stdout
        )
        assert "Traceback" not in said
