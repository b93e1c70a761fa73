"""The scrolling picture: lanes, raster, axes, marks and overlay."""
