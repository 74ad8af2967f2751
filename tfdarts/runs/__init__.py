"""The commands as functions; each one owns a run directory."""
