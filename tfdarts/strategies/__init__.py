"""How to choose: the search strategies."""
