"""Forms of pages: read, turned into the same structs that the API takes, and shown again with what was refused."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request

from crewhall.faces.plumbing.refusals import refusal_of
from crewhall.kernel.errors import INVALID, CrewhallError

T = TypeVar("T", bound=msgspec.Struct)


class Form:
    """What was typed, and what was refused: at a field where the refusal names one, else above the form."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values: dict[str, str] = dict(values or {})
        self.errors: dict[str, str] = {}
        self.problem: str | None = None

    def v(self, name: str, default: object = "") -> str:
        """The value of a field as typed, else the default."""
        return self.values.get(name, "" if default is None else str(default))

    def e(self, name: str) -> str | None:
        """What was refused about a field."""
        return self.errors.get(name)

    def refuse(self, error: CrewhallError) -> None:
        """Keep what was refused, to show the form again."""
        field = error.fields.get("field")
        name = field.rpartition(".")[2] if isinstance(field, str) else None
        if name is not None and name in self.values:
            self.errors[name] = error.detail
        else:
            self.problem = error.detail

    def read(self, kind: type[T], *names: str, **given: Any) -> T:
        """The named fields as a struct; a field left empty is left out. Raises INVALID with the field's name."""
        typed = {name: self.values[name] for name in names if self.values.get(name, "").strip()}
        return self._convert({**typed, **given}, kind)

    def read_all(self, kind: type[T], *names: str, **given: Any) -> T:
        """The named fields as a struct; a field left empty is null (it is taken away)."""
        typed = {name: self.values[name].strip() or None for name in names if name in self.values}
        return self._convert({**typed, **given}, kind)

    def id(self, name: str) -> UUID:
        """The id that a field has. Raises INVALID."""
        try:
            return UUID(self.v(name))
        except ValueError as error:
            raise INVALID("This form is out of date. Load the page again, then try once more.", field=name) from error

    def login(self) -> dict[str, str | None]:
        """What was typed as somebody's login at GitHub, with or without its @; nothing where the form has none."""
        if "github_login" not in self.values:
            return {}
        return {"github_login": self.values["github_login"].strip().removeprefix("@") or None}

    def _convert(self, values: dict[str, Any], kind: type[T]) -> T:
        try:
            return msgspec.convert(values, kind, strict=False)
        except msgspec.ValidationError as error:
            raise _refused(str(error), kind, values) from error


def _refused(message: str, kind: object, values: dict[str, Any]) -> CrewhallError:
    refusal = refusal_of(message, kind, values)
    if refusal.message.endswith(" is needed."):
        return INVALID("Fill this in.", field=refusal.field)
    field = refusal.field.partition(".")[0].partition("[")[0] if refusal.field else None
    return INVALID(refusal.message.replace("`str`", "text").replace("`null`", "nothing"), field=field)


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The form that was sent; of a field sent twice the last value counts. Lines end with LF, as scripts send them.

    Without scripts browsers send CRLF, also where the page that they show had LF.
    """
    data = await request.form()
    return Form({name: value.replace("\r\n", "\n") for name, value in data.items() if isinstance(value, str)})
