"""Where bytes come from: files, addresses that fsspec knows, standard input, open files."""
