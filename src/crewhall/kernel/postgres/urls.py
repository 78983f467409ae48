"""Connection addresses of the three roles, and the few operations on them."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

DATABASE = "crewhall"
SUPERUSER = "postgres"
ADMIN_ROLE = "crewhall_admin"
APP_ROLE = "crewhall_app"
READ_ROLE = "crewhall_read"
DEFINER_ROLE = "crewhall_definer"
HIDDEN = "~hidden~"
NOTICES = {"keepalives_idle": "20", "keepalives_interval": "5", "keepalives_count": "4", "tcp_user_timeout": "40000"}
"""Makes us notice within forty seconds that a network swallows all we send, or has forgotten a connection at rest."""
NOTICED = " ".join(f"-c tcp_{name.removeprefix('tcp_')}={value}" for name, value in NOTICES.items())
"""Makes the server notice the same of us, and let go of our locks. Neither has a meaning on a Unix socket."""


@dataclass(frozen=True)
class DatabaseUrls:
    """One libpq address per role, passwords included: never print one, print `masked` of it.

    `admin` is the application's again where somebody else migrates: nothing is pending then.
    """

    admin: str
    app: str
    read: str


def socket_url(user: str, password: str, folder: Path, port: int, database: str = DATABASE) -> str:
    """The address of a role over the Unix socket in `folder`."""
    where = urlencode({"host": str(folder), "port": port}, quote_via=quote)
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@/{quote(database, safe='')}?{where}"


def url_from_parameters(parameters: dict[str, str]) -> str:
    """The address with these libpq parameters, every one of them kept."""
    rest = dict(parameters)
    user, password = quote(rest.pop("user", ""), safe=""), rest.pop("password", None)
    login = user if password is None else f"{user}:{quote(password, safe='')}"
    database = quote(rest.pop("dbname", ""), safe="")
    return f"postgresql://{login}@/{database}?{urlencode(rest, quote_via=quote)}"


def url_parameters(url: str) -> dict[str, str]:
    """The libpq parameters of an address; raises psycopg.ProgrammingError when it cannot be read."""
    return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}


def with_parameters(url: str, **changes: str) -> str:
    """The same address with some libpq parameters (`dbname`, `user`, `password`, `options`, …) replaced."""
    return url_from_parameters({**url_parameters(url), **changes})


def noticing(urls: DatabaseUrls) -> DatabaseUrls:
    """The same addresses, by which a silent network is noticed; what they say of that themselves is kept."""

    def one(url: str) -> str:
        return with_parameters(
            url, **{name: value for name, value in NOTICES.items() if name not in url_parameters(url)}
        )

    return DatabaseUrls(one(urls.admin), one(urls.app), one(urls.read))


def masked(url: str) -> str:
    """The address without its password, for logs and errors, as one would write it."""
    parameters = url_parameters(url)
    if "password" in parameters:
        parameters["password"] = HIDDEN
    # An @ in the host is one of a password that was not quoted.
    host, where = parameters.get("host", "").rpartition("@")[2], ""
    if host and not set(host) & set("/,%"):
        port = parameters.pop("port", "")
        where = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        del parameters["host"]
    shown = url_from_parameters(parameters).replace("@/", f"@{where}/", 1).replace("//@", "//", 1).removesuffix("?")
    return shown.replace(HIDDEN, "***", 1)
