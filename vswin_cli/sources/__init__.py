"""Where bytes come from (files, addresses, standard input), and what their layout says of them."""
