"""What this machine has for the program, and what is missing."""
