"""Bytes on disk to arrays."""
