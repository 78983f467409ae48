"""What handlers ask for by name: `services`, `actor`, `person`, `guest`."""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency, Provide

from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import FORBIDDEN, UNAUTHENTICATED, define_error

NO_ORGANIZATION = define_error("no_organization", 409, "No organization chosen")

AnyRequest = Request[Any, Any, Any]


def provide_services(request: AnyRequest) -> Services:
    """The process's services."""
    return services_of(request)


def provide_guest(request: AnyRequest) -> Actor | None:
    """Whoever calls, or None when nobody is signed in."""
    actor: Actor | None = request.scope.get("actor")  # type: ignore[assignment]
    return actor


def address_of(request: AnyRequest) -> str | None:
    """The client's address, behind proxies that are trusted."""
    address: str | None = request.scope.get("client_address")  # type: ignore[assignment]
    return address


def signed_in(actor: Actor | None) -> Actor:
    """The actor, or a refusal that says to sign in."""
    if actor is None:
        raise UNAUTHENTICATED("Sign in, or send a token: `Authorization: Bearer …`.")
    return actor


def provide_actor(request: AnyRequest, services: NamedDependency[Services]) -> Actor:  # noqa: ARG001
    """The signed-in actor with its organization.

    It asks for the services only to come after them: dependencies that are resolved at once cost a group of tasks.
    """
    return actor_of(request)


def services_of(request: AnyRequest) -> Services:
    """The process's services, for the handlers that are called most."""
    services: Services = request.app.state.services
    return services


def actor_of(request: AnyRequest) -> Actor:
    """The signed-in actor with its organization, for the handlers that are called most."""
    actor = signed_in(provide_guest(request))
    if actor.org_id is None:
        raise NO_ORGANIZATION("Choose an organization first: send its id or slug as `X-Crewhall-Org`.")
    return actor


def only_people(actor: Actor | None) -> Actor:
    """The person, or a refusal."""
    person = signed_in(actor)
    if person.type is not ActorType.USER:
        raise FORBIDDEN("Only people can do this.")
    return person


def provide_person(request: AnyRequest, services: NamedDependency[Services]) -> Actor:  # noqa: ARG001
    """The signed-in person, with or without an organization, for what concerns their account.

    Agents are refused, and personal tokens, which act in their organization alone.
    """
    person = only_people(provide_guest(request))
    if person.is_bound:
        raise FORBIDDEN("A personal token acts in its organization alone, not on the account. Sign in for this.")
    return person


DEPENDENCIES = {
    "services": Provide(provide_services, sync_to_thread=False),
    "guest": Provide(provide_guest, sync_to_thread=False),
    "actor": Provide(provide_actor, sync_to_thread=False),
    "person": Provide(provide_person, sync_to_thread=False),
}
