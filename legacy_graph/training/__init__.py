"""Sessions that train."""
