"""Attention over packed rows: within each pair, and between no two."""
