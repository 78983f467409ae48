"""Operations of the API that no role decides, with where it is tested who may."""

from tests.permissions import colleagues

ELSEWHERE = {
    "show_ownership_offer": "of owners, admins and whom it is made to: tests/identity/test_ownership.py",
    "end_ownership_offer": "of who makes an offer and whom it is made to: tests/identity/test_ownership.py",
    "accept_ownership": "of whom the organization is offered to: tests/identity/test_ownership.py",
    "get_notification": "of the caller's own notifications: tests/notifications/test_deriving.py",
    "mark_notification_read": "of the caller's own notifications: tests/notifications/test_deriving.py",
    "mark_notification_unread": "of the caller's own notifications: tests/notifications/test_deriving.py",
    "remove_device": "of the caller's own devices: tests/notifications/test_web_push.py",
    "set_level": "of who is a member: tests/notifications/test_deriving.py",
    "log_in": "for guests: what it takes says who may",
    "refresh": "for guests: what it takes says who may",
    "ask_for_reset": "for guests: what it takes says who may",
    "confirm_password_reset": "for guests: what it takes says who may",
    "set_up_installation": "for guests: what it takes says who may",
    "accept_invitation": "for guests: what it takes says who may",
    "end_own_login": "of the caller's own logins: tests/identity/test_logins.py",
    "revoke_personal_token": "of the caller's own tokens: tests/identity/test_personal_tokens.py",
    "call_hook": "for other services: its signature says who may (tests/turns_faces/test_hooks.py)",
    "get_later": "of what the caller is to say: tests/conversations/test_later.py",
    "change_later": "of what the caller is to say: tests/conversations/test_later.py",
    "cancel_later": "of what the caller is to say: tests/conversations/test_later.py",
    "send_later": "of what the caller is to say: tests/conversations/test_later.py",
    "carry_out_command": "each asks for the rights of what it does: tests/conversations/test_commands.py",
    "shut_app_out": "of the apps that the caller let in: tests/apps/test_refused.py",
    "answer_run": "of the run's own agent alone: tests/turns_faces/test_runtimes.py",
    "show_picture": "of who may read the document: tests/documents/test_documents.py",
    "hang_on_draft": "of the caller's own uploads: tests/files/test_files.py",
    "remove_file": "of the caller's own uploads: tests/files/test_files.py",
    "show_upload": "of the caller's own uploads: tests/files/test_uploads.py",
    "continue_upload": "of the caller's own uploads: tests/files/test_uploads.py",
    "cancel_upload": "of the caller's own uploads: tests/files/test_uploads.py",
    **colleagues.ELSEWHERE,
    "stream_conversation": "answers without end: test_same_codes.py and tests/live",
}
"""Operations that no role decides, each with the reason."""
