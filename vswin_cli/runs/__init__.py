"""Runs over many videos: find them, decode in processes that may die, record durably."""
