"""The command line: parses flags, calls `tfdarts.runs`, sets exit codes."""
