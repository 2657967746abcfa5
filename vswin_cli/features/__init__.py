"""Features of many videos: computed into a file, and compared there."""
