"""What a decoder refused, with its field as it was sent: of a body, a query, a frame of the live socket, a form."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException
from litestar.utils.scope.state import ScopeState
from msgspec import inspect

from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.kernel.wording import in_words

BODY = "data"
"""What Litestar calls the body, in handlers and in what it says of them."""
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_STEP = re.compile(r"[^.\[\]]+")
_MISSING = re.compile(r"^Object missing required field `(.+)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(.+)`$")
_NO_PARAMETER = re.compile(r"^Missing required \w+ parameter '(.+?)' for path")


class Refusal(msgspec.Struct, frozen=True):
    """A field (None: the whole) and what is wrong with it, which may name the field already."""

    field: str | None
    message: str
    is_named: bool = False

    @property
    def sentence(self) -> str:
        """The message, with its field."""
        return self.message if self.field is None or self.is_named else f"{self.field}: {self.message}"


def refusal_of(message: str, kind: object, given: object) -> Refusal:
    """Read what msgspec said (` - at ` tells the place) about a value `given` that was to be of this kind."""
    found = _PLACE.search(message)
    said, place = message[: found.start()] if found else message, found[1] if found else ""
    inside = f"{place}." if place else ""
    if missing := _MISSING.match(said):
        return Refusal(inside + missing[1], f"{inside}{missing[1]} is needed.", is_named=True)
    if unknown := _UNKNOWN.match(said):
        return Refusal(inside + unknown[1], f"There is no field {inside}{unknown[1]}. Leave it out.", is_named=True)
    steps = _STEP.findall(place)
    if not steps and said.startswith("Expected `object`"):
        return Refusal(None, "The body must be a JSON object.")
    return Refusal(place or None, in_words(said, choices=_choices(kind, steps), given=_value(given, steps)))


def refused_request(request: Request[Any, Any, Any], error: ValidationException) -> CrewhallError:
    """The error of a request whose body or parameters were refused."""
    if parameter := _NO_PARAMETER.match(error.detail):
        return INVALID(f"{parameter[1]} is needed.", field=parameter[1])
    extra = error.extra if isinstance(error.extra, list) else []
    refusals = [_refusal_in(request, item) for item in extra if isinstance(item, dict) and item.get("message")]
    if not refusals:
        return INVALID(error.detail)
    shown = [{"field": refusal.field, "message": refusal.message} for refusal in refusals]
    return INVALID(refusals[0].sentence, errors=shown)


def _refusal_in(request: Request[Any, Any, Any], item: dict[str, Any]) -> Refusal:
    message, key = str(item["message"]), str(item.get("key") or "")
    if message == f"'{BODY}'":
        return Refusal(None, "A JSON body is needed.")
    parameters = request.route_handler.parsed_fn_signature.parameters
    if item.get("source") == "body":
        place = "" if key == BODY else f" - at `$.{key}`"
        body = parameters.get(BODY)
        return refusal_of(message + place, body.annotation if body else None, _body(request))
    asked = parameters.get(key)
    said = refusal_of(message, asked.annotation if asked else None, None)
    sent_as = getattr(asked.kwarg_definition, "name", None) if asked else None
    return Refusal(sent_as or key or None, said.message)


def _body(request: Request[Any, Any, Any]) -> object:
    """The body that was read, decoded; None where it cannot be."""
    raw = ScopeState.from_scope(request.scope).body
    try:
        return msgspec.json.decode(raw) if isinstance(raw, bytes) else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _value(given: object, steps: list[str]) -> object:
    """What stands at a place."""
    for step in steps:
        if isinstance(given, dict):
            given = given.get(step)
        elif isinstance(given, list) and step.isdigit() and int(step) < len(given):
            given = given[int(step)]
        else:
            return None
    return given


def _choices(kind: object, steps: list[str]) -> list[str]:
    """The values that are taken at a place, where there are few; empty where there are not."""
    try:
        whole = inspect.type_info(kind)
    except (TypeError, NameError):  # a type that is none of msgspec's
        return []
    kinds = [whole]
    for step in steps:
        kinds = [inner for outer in kinds for inner in _inside(outer, step)]
    return list(dict.fromkeys(choice for found in kinds for choice in _values(found)))


def _inside(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    match kind:
        case inspect.Metadata(type=inner):
            yield from _inside(inner, step)
        case inspect.UnionType(types=types):
            for one in types:
                yield from _inside(one, step)
        case inspect.StructType(fields=fields, tag=tag, tag_field=tag_field):
            if step == tag_field and tag is not None:
                yield inspect.LiteralType((tag,))
            yield from (field.type for field in fields if field.encode_name == step)
        case inspect.ListType(item_type=item):
            yield item


def _values(kind: inspect.Type) -> Iterator[str]:
    match kind:
        case inspect.Metadata(type=inner):
            yield from _values(inner)
        case inspect.UnionType(types=types):
            for one in types:
                yield from _values(one)
        case inspect.EnumType(cls=members):
            yield from (str(member.value) for member in members)
        case inspect.LiteralType(values=values):
            yield from map(str, values)
