"""Settings as data: one field is a flag, an argument and a range check."""
