"""Thousands of damaged files, settings, front-ends and sounds: `python -m tests.fuzz --help`.

Each case follows from the seed, its kind and its number alone, so that one that fails is run again
by `python -m tests.fuzz --kind KIND --first NUMBER --count 1 --seed SEED`.
"""
