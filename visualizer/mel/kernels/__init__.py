"""Ways to compute a front-end's columns: NumPy first, then what torch compiles or a GPU runs."""
