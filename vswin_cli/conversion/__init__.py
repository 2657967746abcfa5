"""Checkpoints of other programs, read as data and written in the layout of the published files."""
