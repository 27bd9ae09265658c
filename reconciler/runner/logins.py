"""The logins of a task for other registries: read before anything is done. Uses none."""

from __future__ import annotations

from reconciler.base.errors import SecretUnavailable
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.runner.work import Work


def read_logins(work: Work) -> None:
    """Read and mask every login of the task: a push must not find out that one is missing.

    Raises Failure (secret-denied) or Stop.
    """
    for host, login in work.request.logins.items():
        if login.username is None:
            continue
        try:
            work.login(host)
        except SecretUnavailable as error:
            work.watch.check()
            hint = f"; {error.hint}" if error.hint else ""
            message = f"the login for {host}: {error.message}{hint}"
            raise Failure(Reason.SECRET_DENIED, message) from None
