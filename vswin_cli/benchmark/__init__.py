"""How fast this machine computes and reads, next to what it could do at best."""
