"""Outcomes and their sentences: what the measurements say of bounds, rates, exact values, counts, comparisons."""
