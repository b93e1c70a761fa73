"""What stands beside the window, each tool in a room of its own."""
