"""Models for other runtimes: the network as a graph of plain operations, one module per format."""
