"""Settings of identity: the first owner, how long logins live, how often one may try."""

from pydantic import Field, SecretStr

from crewhall.kernel.settings import CrewhallSettings


class IdentitySettings(CrewhallSettings):
    """Who owns the installation, and the limits of signing in."""

    owner_email: str | None = Field(None, description="Email of the owner made at first start without asking.")
    owner_password: SecretStr | None = Field(None, description="Password of the owner made at first start.")
    login_days: int = Field(30, ge=1, le=365, description="Days that an unused login stays valid.")
    access_token_minutes: int = Field(60, ge=1, le=1440, description="Minutes that an access token is valid.")
    invitation_days: int = Field(7, ge=1, le=90, description="Days that an invitation stays open.")
    reset_minutes: int = Field(60, ge=5, le=1440, description="Minutes that a password reset link is valid.")
    rate_login_per_minute: int = Field(10, ge=1, description="Password attempts per minute, address and email.")
    rate_login_address_per_minute: int = Field(100, ge=1, description="Password attempts per minute and address.")
    rate_reset_per_hour: int = Field(5, ge=1, description="Password reset mails per hour, address and email.")
    rate_reset_email_per_hour: int = Field(
        20, ge=1, description="Password reset mails per hour and email, from all addresses together."
    )
    rate_reset_address_per_hour: int = Field(30, ge=1, description="Password reset mails per hour and address.")
    rate_sign_up_per_minute: int = Field(30, ge=1, description="Set-ups and accepted invitations per minute, address.")
    rate_invitations_per_hour: int = Field(100, ge=1, description="Invitations per hour and person.")
    rate_organizations_per_hour: int = Field(20, ge=1, description="New organizations per hour and person.")
    rate_apps_per_hour: int = Field(60, ge=1, description="Apps that say who they are, per hour and address.")
    app_days: int = Field(30, ge=1, le=365, description="Days that an app is known which was let in (any other: one).")
