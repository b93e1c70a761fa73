"""A model beside the stream: its contract, the process it runs in, what it answers."""
