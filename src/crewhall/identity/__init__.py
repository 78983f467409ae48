"""Organizations, people, memberships, logins, permissions. What other packages may use is exported here."""

from crewhall.identity.permissions import PERMISSIONS, Permission, check_permission, is_allowed

__all__ = ["PERMISSIONS", "Permission", "check_permission", "is_allowed"]
