"""The commands as functions: each joins all below and owns a run directory."""
