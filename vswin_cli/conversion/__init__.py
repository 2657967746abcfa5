"""Checkpoints from other programs, read as data, written in the layout of published files."""
