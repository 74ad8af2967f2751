"""Optimizers, schedules, callbacks and other parts of a training loop."""
