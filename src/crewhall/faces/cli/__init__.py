"""The command line: a thin client of a running server, and the commands that run one."""
