"""What a log directory holds."""
