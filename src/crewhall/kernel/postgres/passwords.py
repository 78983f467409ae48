"""The passwords of one instance: random, kept in one private file of the home, written before they are first used."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from crewhall.kernel.postgres.durably import write_durably
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure

FILE = "postgres.secrets"


@dataclass(frozen=True)
class Passwords:
    """One password per login role. They have 256 random bits, so nobody guesses them offline."""

    superuser: str
    admin: str
    app: str
    read: str

    def __repr__(self) -> str:
        return "Passwords(***)"


def read_passwords(home: Path) -> Passwords | None:
    """The passwords of this home, or None when it has none yet."""
    path = home / FILE
    try:
        return Passwords(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise failure(
            EMBEDDED_POSTGRES,
            f"{path} cannot be read: this home belongs to another user.",
            "Start Crewhall as the user who made it, or set CREWHALL_HOME to a folder of your own.",
        ) from None
    except (ValueError, TypeError):
        raise failure(
            EMBEDDED_POSTGRES, f"{path} is damaged.", "Restore it, or remove it: new passwords are then made."
        ) from None


def make_passwords(home: Path) -> Passwords:
    """Make and store new passwords."""
    made = Passwords(*(secrets.token_urlsafe(32) for _ in range(4)))
    write_durably(home / FILE, json.dumps(asdict(made), indent=1))
    return made
