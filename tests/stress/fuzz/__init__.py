"""Damages files, settings, front-ends and sounds by the thousand: `python -m tests.stress.fuzz`.

Each case follows from the seed, its kind and its number alone, so that one that fails is run again
by `python -m tests.stress.fuzz --kind KIND --first NUMBER --count 1 --seed SEED`.
"""
