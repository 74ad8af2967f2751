"""The command line: flags in, one call of `tfdarts.runs`, an exit code out."""
