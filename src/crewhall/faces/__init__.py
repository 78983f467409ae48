"""Faces: plumbing between the domains and the clients that people and agents really use."""
