"""Everything that leaves as a file: recordings, regions, features."""
