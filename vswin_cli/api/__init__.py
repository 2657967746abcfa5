"""What programs use, and the commands are built on: a model set up once, runs over videos."""
