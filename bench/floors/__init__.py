"""Bare programs that do only the unavoidable part of a row: what no product with these parts could beat."""
