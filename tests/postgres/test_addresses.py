"""Addresses and what is derived from them: shown without passwords, the same each time."""

from crewhall.kernel.postgres.external import derived_password, login_name
from crewhall.kernel.postgres.urls import masked


def test_a_masked_address_shows_all_but_the_password() -> None:
    shown = {
        "postgresql://me:p%40ss@host:5432/db?sslmode=require": "postgresql://me:***@host:5432/db?sslmode=require",
        "postgresql://me:p@ssecret@host/db": "postgresql://me:***@host/db",
        "postgresql:///db": "postgresql:///db",
        "postgresql://me@[::1]/db": "postgresql://me@[::1]/db",
        "postgresql://me@/db?host=/run/pg&password=secret": "postgresql://me:***@/db?host=%2Frun%2Fpg",
        "host=db user=me password=secret dbname=it": "postgresql://me:***@db/it",
        "postgresql://me:secret@one:1,two:2/db": "postgresql://me:***@/db?host=one%2Ctwo&port=1%2C2",
    }
    for address, expected in shown.items():
        assert masked(address) == expected
        assert "secret" not in masked(address)


def test_derived_passwords_are_stable_and_apart() -> None:
    assert derived_password("s", "a", "d") == derived_password("s", "a", "d")
    assert (
        len(
            {derived_password(*given) for given in (("s", "a", "d"), ("t", "a", "d"), ("s", "b", "d"), ("s", "a", "e"))}
        )
        == 4
    )
    assert len(login_name("crewhall_app", "x" * 63)) <= 63
    assert login_name("crewhall_app", "x" * 63) != login_name("crewhall_app", "x" * 62)
