"""Reading videos: readers, frame indices, views."""
