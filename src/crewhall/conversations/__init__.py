"""Conversations, members, messages, threads, reactions, search. What other packages may use is exported here."""
