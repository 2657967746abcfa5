"""Results as text: one writer per format."""
