"""Results as text: one writer a format."""
