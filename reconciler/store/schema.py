"""Tables of the state database. Who changes one raises `version.SCHEMA_VERSION`."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# schema_version, state_id, key (hex, keys the fingerprints), serial
meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# The embedded provider's own world: what is live.
live_tasks = Table(
    "live_tasks",
    metadata,
    Column("address", Text, primary_key=True),
    Column("document", Text, nullable=False),  # canonical JSON of the task
    Column("changed_at", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
)

# What the last apply wanted: kept apart from live, so that drift is never taken for a change.
applied_tasks = Table(
    "applied_tasks",
    metadata,
    Column("address", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("applied_at", Text, nullable=False),
    Column("applied_by", Text, nullable=False),
    Column("apply_id", Text, nullable=False),
    Column("commit", Text),
    Column("file", Text),
)

# How it is known what an applied task stands on: from a checkout (declared) or a run (observed).
base_readings = Table(
    "base_readings",
    metadata,
    Column("address", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("unknown", Text),  # why there may be more than task_bases has; null: there are not
)

# The images it stands on.
task_bases = Table(
    "task_bases",
    metadata,
    Column("address", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("reference", Text, nullable=False),  # registry/repository:tag, or @digest
    Column("platform", Text, nullable=False),
    Column("kind", Text, nullable=False),  # runtime, buildtime
    Column("file", Text),
    Column("line", Integer),
    Index("task_bases_by_reference", "reference"),
)

locks = Table(
    "locks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("acquired_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)

applies = Table(
    "applies",
    metadata,
    Column("id", Text, primary_key=True),
    Column("plan_id", Text, nullable=False),
    Column("plan_digest", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("outcome", Text),  # done, partial, refused, interrupted; null: open
    Column("total", Integer, nullable=False),
    Column("number", Integer),  # counts up; null before version 2, as is `plan`
    Column("plan", Text),  # JSON of the plan without its changes
)

journal = Table(
    "journal",
    metadata,
    Column("apply_id", Text, ForeignKey("applies.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("address", Text, nullable=False),
    Column("previous_address", Text),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),  # intended, done, recovered, not-done
    Column("before_hash", Text),
    Column("after_hash", Text),
    Column("change", Text, nullable=False),  # JSON of the plan's change
    Column("intended_at", Text, nullable=False),
    Column("settled_at", Text),
    Column("detail", Text),
    UniqueConstraint("apply_id", "position"),
)

# What went around a safety rule, by whom and why: locks broken, limits overridden, applies resumed.
events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("events_by_time", "at"),
)

# What engines were found able to do: the newest answer of each.
capabilities = Table(
    "capabilities",
    metadata,
    Column("engine", Text, primary_key=True),  # the word of reconciler.yaml
    Column("buildkit", Text, primary_key=True),  # the address beside it, or ""
    Column("document", Text, nullable=False),  # JSON of model.capability.Recorded
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("task", Text),
    Column("status", Text, nullable=False),
    Column("queued", Text, nullable=False),
    Column("record", Text, nullable=False),  # JSON of model.run.RunRecord
    Column("host", Text),
    Column("pid", Integer),
    Column("process_started", Text),  # tells a process from a later one with the same number
    Column("cancel_requested", Text),  # by whom, or null
    Index("runs_by_task", "task", "queued"),
    Index("runs_by_queued", "queued"),
)

# Open runs that workers do: who waits, and who has a lease. Times are of store/moment's clock.
queue = Table(
    "queue",
    metadata,
    Column("position", Integer, primary_key=True),  # counts up: the older, the lower
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False, unique=True),
    Column("pool", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("series", Text),
    Column("fold", Text),
    Column("start_after", Float),
    Column("worker", Text),  # null: it waits
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("losses", Integer, nullable=False, server_default="0"),  # what they weigh (store/leases)
    Column("lease_until", Float),
    Column("clock", Text, nullable=False),
    Column("ended", Integer, nullable=False, server_default="0"),  # 1: only to be settled
    Column("crowd", Text),  # runs of one event, of which `crowd_cap` may be done at once
    Column("crowd_cap", Integer),
    # As a worker takes them: highest priority, then oldest.
    Index("queue_by_order", "pool", text("priority DESC"), "position"),
    Index("queue_by_fold", "fold"),
    Index(
        "queue_by_worker",
        "worker",
        sqlite_where=text("worker IS NOT NULL"),
        postgresql_where=text("worker IS NOT NULL"),
    ),
)

# When a worker was last there for each pool.
pools = Table(
    "pools",
    metadata,
    Column("name", Text, primary_key=True),
    Column("served", Text, nullable=False),
)

# Messages of hooks: each is taken once. Kept longer than any forge sends one again.
deliveries = Table(
    "deliveries",
    metadata,
    Column("hook", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("received", Text, nullable=False),
    Index("deliveries_by_time", "received"),
)

# What was decided about each event and trigger, and the run it has.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("source", Text, nullable=False),  # model.event.Source
    Column("subject", Text, nullable=False),  # what moved: repository and ref, timer, image
    Column("version", Text),  # the commit, the due time or the digest
    Column("previous", Text),  # what it was before that
    Column("task", Text),
    Column("trigger", Text),
    Column("verdict", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("run_id", Text),
    Column("hook", Text),
    Column("delivery", Text),
    Column("once", Text, unique=True),  # null, or what may happen only once: a timer's due time
    Index("decisions_by_task", "task", "id"),
    Index(
        "decisions_by_delivery",
        "hook",
        "delivery",
        sqlite_where=text("hook IS NOT NULL"),
        postgresql_where=text("hook IS NOT NULL"),
    ),
    Index("decisions_by_time", "at"),
    Index(
        "decisions_by_previous",
        "previous",
        "task",
        sqlite_where=text("previous IS NOT NULL"),
        postgresql_where=text("previous IS NOT NULL"),
    ),
)

# Where the refs of polled repositories were when they were last looked at.
polled_refs = Table(
    "polled_refs",
    metadata,
    Column("url", Text, primary_key=True),
    Column("ref", Text, primary_key=True),  # HEAD: it was looked at
    Column("target", Text, nullable=False),  # a commit; of HEAD: tags, or ""
)

# How the last look at each polled repository ended. Times are seconds since 1970, UTC.
polled_looks = Table(
    "polled_looks",
    metadata,
    Column("url", Text, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("looked_at", Float, nullable=False),
    Column("seen_at", Float),  # the last look that was answered
    Column("message", Text),  # why the last look failed
)

# Logins that a polled repository refused when they were last tried.
polled_refusals = Table(
    "polled_refusals",
    metadata,
    Column("url", Text, primary_key=True),
    Column("token", Text, primary_key=True),  # a reference; "": without one
    Column("since", Float, nullable=False),
    Column("message", Text, nullable=False),
)

# How far each timer of a live task is handled.
timers = Table(
    "timers",
    metadata,
    Column("task", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("schedule", Text, nullable=False),
    Column("handled", Text, nullable=False),
)

# What registries serve under the tags that are watched. Times are seconds since 1970, UTC.
images = Table(
    "images",
    metadata,
    Column("reference", Text, primary_key=True),  # as in task_bases
    Column("digest", Text),  # null: not looked at yet; "": looked at, and there was no such tag
    Column("platforms", Text),  # JSON {platform: digest}; null: not read, "{}": one for all
    Column("etag", Text),
    Column("checked_at", Float),
    Column("seen_at", Float),  # the last look that the registry answered
    Column("next_at", Float, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("message", Text),  # why the last look failed
    Index("images_by_next", "next_at"),
)

# Registries that are left alone for a while. Times as in images.
registry_pauses = Table(
    "registry_pauses",
    metadata,
    Column("host", Text, primary_key=True),
    Column("since", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("count", Integer, nullable=False),  # so many times in a row
    Column("message", Text, nullable=False),
)

# Images that moved at about the same time: one event, which rebuilds tasks wave by wave.
image_events = Table(
    "image_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("opened", Float, nullable=False),
    Column("due", Float, nullable=False),  # when nothing more is waited for
    Column("state", Text, nullable=False),  # gathering, going, done
    Index("image_events_by_state", "state", "due"),
)

image_moves = Table(
    "image_moves",
    metadata,
    Column("event", Integer, ForeignKey("image_events.id"), primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("previous", Text, nullable=False),  # JSON of model.watched.Served
    Column("served", Text, nullable=False),
)

# The tasks of such an event.
rebuilds = Table(
    "rebuilds",
    metadata,
    Column("event", Integer, ForeignKey("image_events.id"), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("hop", Integer, nullable=False),  # 0: it stands on what moved itself
    Column("waits_for", Text, nullable=False),  # JSON list of addresses of the same event
    Column("moved", Text, nullable=False),  # JSON {reference: [previous digest, digest]}
    Column("state", Text, nullable=False),  # waiting, queued, done
    Column("outcome", Text),  # of one that is done: changed, same, failed
    Column("made", Text),  # JSON, as `moved`: what it pushed anew
    Column("run_id", Text),
    Index("rebuilds_by_state", "state", "event"),
    Index("rebuilds_by_address", "address"),
)
