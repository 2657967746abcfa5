"""The cache of published checkpoints: download, verify, find."""
