"""Exporting trained networks for servers, and asking exported models."""
