"""Video Swin in Keras 3: the network, and the table of its checkpoints."""
