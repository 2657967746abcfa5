"""Every frame of a film in its order, with its time: of a file, an array, a live stream."""
