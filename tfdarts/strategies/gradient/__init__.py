"""Gradient methods: DARTS with other parts."""
