"""Turns of agents: who may speak, what is decided, what runs. What other packages may use is exported here."""
