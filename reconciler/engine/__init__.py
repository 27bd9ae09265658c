"""When work starts, and who does it. Knows no Docker, no Git and no HTTP."""
