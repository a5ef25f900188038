"""Vectors of numbers inside numba code: lanes in a register, their memory, arithmetic and elementary functions."""
