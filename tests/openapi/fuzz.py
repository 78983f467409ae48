"""Fuzzing from the description: what it allows and what it forbids, against the running server."""

from collections.abc import Callable
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.failures import Failure
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

Case = schemathesis.Case[Any]

LEFT_OUT = {
    "log_out": "ends the login that fuzzes",
    "log_out_everywhere": "ends the login that fuzzes",
    "change_own_password": "throttled, and verified by bcrypt: a guess costs a quarter of a second",
    "log_in": "throttled, and verified by bcrypt",
    "set_up_installation": "throttled; its token is checked before anything else is looked at",
    "accept_invitation": "throttled, and hashes a password",
    "confirm_password_reset": "throttled, and hashes a password",
    "stream_conversation": "answers without end; tests/live reads it",
}
"""Operations that are not fuzzed, each with the reason. Their input is checked by the tests of their domain."""

LONGEST = 1_000
"""Characters of text that has a form. What is generated is far shorter; to understand a form of 40,000 takes long."""

CHECKS: list[Callable[..., Any]] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Fuzzer:
    """Sends what the description allows (and not) as one person. `things` are values of path parameters that exist."""

    def __init__(self, description: dict[str, Any], address: str, token: str, things: dict[str, list[str]]) -> None:
        schema = schemathesis.openapi.from_dict(shortened(description))
        schema.config.update(base_url=address)
        self.operations = {
            operation.definition.raw["operationId"]: operation
            for operation in (result.ok() for result in schema.get_all_operations() if isinstance(result, Ok))
        }
        self._address = address
        self._headers = {"authorization": f"Bearer {token}"}
        self._things = things
        self.sent = 0

    def fuzz(self, name: str, examples: int) -> list[str]:
        """Try one operation that often with input that its description allows, and forbids; returns what is wrong."""
        found: list[str] = []
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            strategy = self._strategy(name, mode)
            if strategy is None:
                continue
            with requests.Session() as session:
                attempt = self._attempt(strategy, session, examples)
                try:
                    attempt()
                except (Failure, BaseExceptionGroup, AssertionError) as error:
                    found.append(f"{name}: {_said(error)}")
        return found

    def _strategy(self, name: str, mode: schemathesis.GenerationMode) -> st.SearchStrategy[Case] | None:
        """What to send; None where nothing can be wrong, for there is nothing to send."""
        operation = self.operations[name]
        nothing = not operation.body and not operation.query and not operation.path_parameters
        if mode is schemathesis.GenerationMode.NEGATIVE and nothing:
            return None
        strategy: st.SearchStrategy[Case] = operation.as_strategy(generation_mode=mode)
        return strategy

    def _attempt(
        self, strategy: st.SearchStrategy[Case], session: requests.Session, examples: int
    ) -> Callable[[], None]:
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy, data=st.data())
        def attempt(case: Case, data: st.DataObject) -> None:
            self.sent += 1
            if data.draw(st.booleans()):
                self._name_what_exists(case, data)
            answer = case.call(base_url=self._address, headers=self._headers, session=session, timeout=20)
            case.validate_response(answer, checks=CHECKS, headers=self._headers)

        return attempt

    def _name_what_exists(self, case: Case, data: st.DataObject) -> None:
        for parameter in case.path_parameters or {}:
            if parameter in self._things:
                case.path_parameters[parameter] = data.draw(st.sampled_from(self._things[parameter]))


def shortened(part: Any) -> Any:
    """The description with no form of text longer than LONGEST; what is allowed stays allowed."""
    if isinstance(part, list):
        return [shortened(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {name: shortened(value) for name, value in part.items()}
    if isinstance(part.get("pattern"), str) and part.get("maxLength", 0) > LONGEST:
        made["maxLength"] = LONGEST
    return made


def _said(error: BaseException) -> str:
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
    return " | ".join(str(one) for one in inner)[:1500]
