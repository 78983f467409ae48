"""Sources of agents' knowledge: files, folders, addresses, databases and APIs, gone through again and again."""
