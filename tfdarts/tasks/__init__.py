"""Code that depends on the kind of data: one object per task."""
