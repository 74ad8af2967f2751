"""Search strategies: how an architecture is found."""
