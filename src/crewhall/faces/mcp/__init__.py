"""The door for MCP clients: coding assistants, desktop applications, agents that live elsewhere."""
