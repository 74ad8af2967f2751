"""The files of a run directory, and the code that writes them."""
