"""What the user sets and reads around the picture: toolbar, menus, keys, banner, settings."""
