"""Labelling many videos in one run: find, decode in processes that may die, record durably."""
