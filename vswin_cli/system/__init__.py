"""The system: files, locks, processors, the cache folder, streams."""
