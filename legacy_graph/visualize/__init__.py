"""Scan images, project and occlude activations, and draw the results. These modules run sessions."""
