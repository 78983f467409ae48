"""Apps that people let in through MCP."""
