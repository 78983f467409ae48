"""Vectors as the database has them."""

from crewhall.ports.embedder import Vector


def literal(vector: Vector) -> str:
    """A vector as the database reads it."""
    return "[" + ",".join([f"{one:.5g}" for one in vector]) + "]"
