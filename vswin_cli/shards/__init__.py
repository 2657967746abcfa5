"""Runs too large for one file: inputs cut into shards, each a run of its own, on any machine."""
