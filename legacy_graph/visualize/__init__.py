"""Sessions that look: activations to pictures."""
