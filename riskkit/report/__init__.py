"""Figures, tables and the HTML page, from what is stored."""
