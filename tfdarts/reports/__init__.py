"""One HTML page about runs, which needs no network."""
