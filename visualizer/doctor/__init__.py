"""What this machine has and lacks for the app; `examination` puts it together."""
