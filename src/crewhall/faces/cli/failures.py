"""What a person reads when a command fails, and the exit code that a script reads."""

from typing import NoReturn

from crewhall.faces.cli.output import Exit, fail


def report(error: Exception) -> NoReturn:
    """Say on standard error what went wrong, and leave with its exit code; what nobody foresaw is raised."""
    from crewhall.faces.sdk.errors import CrewhallApiError, NotReachable, SignedOut
    from crewhall.kernel.errors import CrewhallError

    if isinstance(error, SignedOut):
        hint = "\nSign in with `crewhall login`, or set CREWHALL_TOKEN." if error.code == "unauthenticated" else ""
        fail(error.detail + hint, error.code, Exit.NOT_SIGNED_IN)
    if isinstance(error, CrewhallApiError):
        fail(error.detail, error.code)
    if isinstance(error, NotReachable):
        fail(f"{error}\nStart a server with `crewhall up`, or name one with --server.", None, Exit.NOT_REACHABLE)
    if isinstance(error, CrewhallError):
        mend = error.fields.get("mend")
        hint = f"\n{mend}" if mend and mend not in error.detail else ""
        fail(f"{error.detail}{hint}", error.code)
    raise error
