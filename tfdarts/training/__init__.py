"""Optimizers, schedules, and what else a training loop needs."""
