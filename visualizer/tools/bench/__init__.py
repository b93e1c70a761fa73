"""How fast our kernels and drawing are, beside what people use instead."""
