"""Ends of names that are unique and hold no word and no number that a test could search for."""

import secrets

CONSONANTS = "bcdfghjklmnpqrstvwxz"


def tail(length: int = 10) -> str:
    """Return consonants that were hardly ever drawn before (20 to the power of `length`)."""
    return "".join(secrets.choice(CONSONANTS) for _ in range(length))
