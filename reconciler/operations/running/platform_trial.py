"""Whether the engine of a run has containers of the run's platform, before a step needs one."""

from __future__ import annotations

from reconciler.adapters.building.backends import own_platforms
from reconciler.adapters.docker.engine import Engine
from reconciler.adapters.docker.tiny_programs import TRIED
from reconciler.adapters.docker.trial import runnable_platforms
from reconciler.base.errors import EngineUnavailable
from reconciler.plan.capable import cannot_start


def check_runs(engine: Engine, platform: str) -> None:
    """Raise EngineUnavailable, with what helps, if it does not run the platform.

    One that is not its own is tried; what is lacking is told as in a plan.
    """
    own = own_platforms(engine)
    if platform not in own and not runnable_platforms(engine, [platform]):
        others = (name for name in runnable_platforms(engine, TRIED) if name not in own)
        lack = cannot_start([*own, *others], platform)
        raise EngineUnavailable(f"{platform} does not run here: {lack.why}", hint=lack.fix)
