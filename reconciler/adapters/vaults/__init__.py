"""Where secrets are read, when their time has come."""
