"""Live delivery: the hub of a process, its sockets and streams, and the links between processes."""
