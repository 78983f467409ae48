"""What is refused about work sessions."""

from crewhall.kernel.errors import define_error

SESSION_OPEN = define_error("session_open", 409, "A work session is open already")
SESSION_STOPPED = define_error("session_stopped", 409, "The work session is over")
SESSION_FULL = define_error("session_full", 409, "The log of the work session is full")
NO_SESSION = define_error("no_session", 404, "No work session is open")
