"""Runs that are too large for one file: inputs are cut into shards, each a run on some machine."""
