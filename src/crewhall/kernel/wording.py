"""What msgspec says about a value, in words for whoever typed it."""

import re
from collections.abc import Sequence

_BLANK = "Fill this in."
_NUL = "NUL characters cannot be stored."
_BLANK_OR_NUL = {r"^\s*[^\s\u0000][^\u0000]*$", r"^(\s*[^\s\u0000][^\u0000]*)?$"}
_FORMS = {
    r"\S": _BLANK,
    r"^\s*[^\s\u0000][^\u0000]*$": "Fill this in, without NUL characters.",
    r"^(\s*[^\s\u0000][^\u0000]*)?$": "Fill this in, without NUL characters.",
    r"^\s*[^\s\u0000][^\u0000\n]*$": "Fill this in, on one line, without NUL characters.",
    r"^[^\u0000]*$": _NUL,
    r"^[^\s\u0000]+$": "Write it without spaces.",
    r"^[A-Z]{3}$": "Give a currency by its three letters, as USD.",
    r"^[a-z0-9-]+$": "Use lower-case letters, digits and dashes only.",
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "Use lower-case letters and digits, with single dashes between them.",
    r"^[\x21-\x7e]+$": "Write it in plain letters, digits and signs, without spaces.",
    r"^[a-z0-9][a-z0-9_-]*$": "Use lower-case letters, digits, dashes, underscores; a letter or digit first.",
    r"^[a-z0-9][a-z0-9._-]*$": "Use lower-case letters, digits, dots, dashes, underscores; a letter or digit first.",
    r"^https?://": "Give a whole address, from http:// or https:// on.",
    r"^https?://\S+$": "Give a whole address, from http:// or https:// on.",
    r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$": "Give a language as en or pt-BR.",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "Give a time of the day as 22:00.",
    r"^[0-9]{0,18}$": "Send the id of the last event that you received, or leave it out to begin from now.",
    r"^#[0-9a-fA-F]{6}$": "Give a colour as #7c3aed.",
    r"^[\w-]+$": "Use letters, digits, dashes and underscores only.",
    r"^(open|closed)$": "Give open or closed.",
    r"^https?://[^\s\u0000]+$": "Give a whole address, from http:// or https:// on.",
    r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$": "Give owner/repository, as it stands in its address.",
    r"^[^\u0000\n]*\S[^\u0000\n]*$": "Fill this in, on one line, without NUL characters.",
    r"^[^\u0000]*\S[^\u0000]*$": "Fill this in, without NUL characters.",
    r"^[a-z][a-z0-9_]{0,39}$": "Use lower-case letters, digits and underscores, a letter first.",
    r"^(completed|not_planned|reopened)$": "Give completed, not_planned or reopened.",
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$": "Give a login of GitHub, as octocat.",
    r"^(https?://[^\s/]+/)?[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}(/pull/|#)[1-9][0-9]{0,8}$": (
        "Give a pull request's address, or owner/repository#12."
    ),
    r"^\d{1,6}\.\d{1,6}\.\d{1,6}$": "Give three numbers as 1.0.0.",
}
"""By regex of the inputs, as they stand in the schemas."""
_SHOWN = {repr(pattern): pattern for pattern in _FORMS}
_FORM = re.compile(r"^Expected `str` matching regex ('.*')$")
_LENGTH = re.compile(r"^Expected `(?:str|array)` of length (>=|<=) (\d+)$")
_BOUND = re.compile(r"^Expected `(?:int|float)` (>=|<=) (-?[\d.]+)$")
_TYPE = re.compile(r"^Expected `(\w+)(?: \| null)?`, got `\w+`$")
_TYPES = {
    "int": "Give a whole number.",
    "float": "Give a number.",
    "bool": "Give true or false.",
    "str": "Give text.",
    "array": "Give a list.",
    "object": "Give an object.",
}
_SAID = {
    "Expected `datetime` with a timezone component": "Say at which offset from UTC: 2030-01-31T09:00:00Z.",
}
_CHOICE = re.compile(r"^Invalid (?:enum )?value (.+)$")


def in_words(message: str, *, choices: Sequence[str] = (), given: object = None) -> str:
    """Say what to do about a refused value; what has no words here stays as it is, as a sentence.

    `choices` are the values that would be taken, where they are few; `given` is the value, where it is known.
    """
    if message in _SAID:
        return _SAID[message]
    if form := _FORM.match(message):
        return _form_in_words(form[1], given)
    if length := _LENGTH.match(message):
        if length[1] == "<=":
            return f"This is too long: at most {length[2]}."
        return _BLANK if length[2] == "1" else f"This is too short: at least {length[2]}."
    if bound := _BOUND.match(message):
        return f"This is too large: at most {bound[2]}." if bound[1] == "<=" else f"Give {bound[2]} or more."
    if (kind := _TYPE.match(message)) and kind[1] in _TYPES:
        return _TYPES[kind[1]]
    if choices and (wrong := _CHOICE.match(message)):
        return f"{wrong[1]} is none of {', '.join(choices)}."
    return f"{message.removesuffix('.')}."


def _form_in_words(shown: str, given: object) -> str:
    pattern = _SHOWN.get(shown)
    if pattern is None:
        return f"This does not have the form {shown}."
    if pattern in _BLANK_OR_NUL and isinstance(given, str):
        return _NUL if "\0" in given else _BLANK
    return _FORMS[pattern]


def has_words(pattern: str) -> bool:
    """Whether a refusal by this regex is put in words."""
    return pattern in _FORMS
