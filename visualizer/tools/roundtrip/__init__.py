"""From loudspeaker to column: clicks are played, found again and timed."""
