"""How fast this machine computes and reads, beside what it could at best."""
