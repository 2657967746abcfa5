"""What a bug report needs: the machine, what is installed, what works, what a file is."""
