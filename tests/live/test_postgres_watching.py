"""The watch over base images with its state in PostgreSQL: what it asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.engine.watcher import GAP
from reconciler.store.images import list_images
from tests.live.test_postgres import own_database, server
from tests.unit.engine.test_first_sight import ran, settle, verdicts
from tests.unit.engine.watching import BASE, HOST, Watchtower, digest, refused

__all__ = ["own_database", "server"]  # fixtures


@pytest.fixture(name="tower")
def built(url: str, tmp_path: Path) -> Iterator[Watchtower]:
    tower = Watchtower(tmp_path, url=url)
    yield tower
    tower.database.close()


def test_the_first_look_rebuilds_who_was_built_on_something_else(tower: Watchtower) -> None:
    for name in ("old", "new", "never"):
        tower.add(name, BASE)
    ran(tower, "old", "a")
    ran(tower, "new", "a")
    ran(tower, "new", "b")
    tower.serve(BASE, "b")
    settle(tower)
    assert [wake.task for wake in tower.wakes()] == ["contoso/old"]
    found = {name: verdicts(tower, name) for name in ("old", "new", "never")}
    assert found == {"old": ["queued"], "new": ["same-digest"], "never": ["first-sight"]}


def test_a_rebuild_that_waits_hides_no_push(tower: Watchtower) -> None:
    app = f"{HOST}/app:1"
    tower.serve(BASE, "a")
    tower.serve(app, "1")
    tower.add("app", BASE, images=(app,))
    tower.add("page", app)
    tower.wait(5)
    tower.moved()
    assert tower.tasks() == ["app"]
    tower.moved(app, "2")
    assert tower.tasks() == ["app", "page"]


def test_hints_while_a_tag_is_looked_at_and_another_try(tower: Watchtower) -> None:
    tower.served[BASE] = refused()
    tower.add("web", BASE)
    tower.step()
    assert tower.watcher.retry(tower.seconds()) == 1
    tower.wait(20)
    tower.serve(BASE, "a")
    tower.watcher.hurry(BASE, tower.seconds())
    tower.time += timedelta(seconds=GAP)
    image = tower.watcher.begin(tower.seconds())
    assert image is not None
    tower.watcher.hurry(BASE, tower.seconds())
    tower.watcher.end(image, tower.look(BASE, None), tower.seconds())
    (known,) = list_images(tower.database)
    assert known.next_at == tower.seconds() + GAP
    assert known.served is not None
    assert known.served.digest == digest("a")
