"""The Python API, on which the commands are built: a model is set up once and runs over videos."""
