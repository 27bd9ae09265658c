"""One module for each verb. Parses nothing, prints nothing, builds nothing."""
