"""How long to wait before GitHub is asked again."""

from crewhall.kernel.errors import CrewhallError
from crewhall.ports.github import GITHUB_LIMITED

FIRST_WAIT_S, LAST_WAIT_S = 15.0, 3600.0
LONGEST_LIMIT_S = 6 * 3600.0


def wait_after(error: CrewhallError, retries: int) -> float:
    """Seconds to wait: as long as GitHub asks for, else ever longer."""
    if error.kind is GITHUB_LIMITED:
        return float(min(error.fields.get("wait_s", FIRST_WAIT_S), LONGEST_LIMIT_S))
    return min(FIRST_WAIT_S * 2.0**retries, LAST_WAIT_S)
