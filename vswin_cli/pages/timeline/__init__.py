"""One self-contained HTML page of timelines."""
