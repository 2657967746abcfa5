"""All frames of a film in order, with their times: from a file, an array or a live stream."""
