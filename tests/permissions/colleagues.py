"""Operations upon agents as colleagues, and who may use them."""

from crewhall.identity.permissions import Permission

RIGHTS: dict[str, Permission | frozenset[str]] = dict.fromkeys(
    ("list_capabilities", "list_versions", "list_forks", "compare_with_parent"), Permission.AGENTS_READ
)
