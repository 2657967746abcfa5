"""The HTML page of a run's records."""
