"""What the machine gives: processors, the cache folder, streams."""
