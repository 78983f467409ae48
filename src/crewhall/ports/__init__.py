"""Protocols of what stands outside, with an in-memory fake each; fakes pass the contract suites of the real ones."""
