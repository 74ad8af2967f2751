"""Data sets, and batches made of their examples."""
