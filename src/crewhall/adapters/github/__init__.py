"""GitHub, asked through githubkit."""

from crewhall.adapters.github.kit import KitGithub

__all__ = ["KitGithub"]
