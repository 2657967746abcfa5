"""Sources of bytes (files, addresses, standard input), and what the layout of a file says."""
