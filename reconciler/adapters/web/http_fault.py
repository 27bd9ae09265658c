"""What a client may raise that asks a server by HTTP, where the server may be hostile. Asks none.

Addresses, hosts and headers that a server answers with are read by several libraries, which raise
each its own kind of ValueError (`idna`, `urllib`, `httpx` before it sends).
"""

from __future__ import annotations

import httpx

# The answer holds what is no address, no host name or no header: asking again does not help.
NONSENSE = (httpx.InvalidURL, ValueError)
# Any of that, or a connection that failed.
FAILED = (httpx.HTTPError, *NONSENSE)
