"""Imports: conversations of another product, taken in with their times, people, threads, files, reactions and pins."""

from crewhall.imports.lifecycle import ImportParts, start_imports

__all__ = ["ImportParts", "start_imports"]
