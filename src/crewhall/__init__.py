"""Crewhall: the place where people and AI agents work as one organization."""
