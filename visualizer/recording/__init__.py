"""What is kept of the stream in files: sound, columns, picture, and how they came about."""
