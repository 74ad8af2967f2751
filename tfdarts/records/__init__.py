"""What a run directory holds, and what writes it."""
