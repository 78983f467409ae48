"""What msgspec says about a value, in words for whoever typed it."""

import re

_FORMS = {
    r"\S": "Fill this in.",
    r"^\s*[^\s\u0000][^\u0000]*$": "Fill this in; NUL characters cannot be stored.",
    r"^[^\u0000]*$": "NUL characters cannot be stored.",
    r"^[a-z0-9-]+$": "Use lower-case letters, digits and hyphens only.",
    r"^[a-z0-9][a-z0-9_-]*$": "Use lower-case letters, digits, hyphens, underscores; a letter or digit first.",
    r"^[a-z0-9][a-z0-9._-]*$": "Use lower-case letters, digits, dots, hyphens, underscores; a letter or digit first.",
    r"^https?://": "Give a whole address, from http:// or https:// on.",
    r"^https?://\S+$": "Give a whole address, from http:// or https:// on.",
    r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$": "Give a language as en or pt-BR.",
    r"^\d{1,6}\.\d{1,6}\.\d{1,6}$": "Give three numbers as 1.0.0.",
}
"""By regex of the inputs, as they stand in the schemas."""
_SHOWN = {repr(pattern): sentence for pattern, sentence in _FORMS.items()}
_FORM = re.compile(r"^Expected `str` matching regex ('.*')$")
_LENGTH = re.compile(r"^Expected `(?:str|array)` of length (>=|<=) (\d+)$")


def in_words(message: str) -> str:
    """Say what to do about a refused value; what has no words here stays as it is, as a sentence."""
    if form := _FORM.match(message):
        return _SHOWN.get(form[1], f"This does not have the form {form[1]}.")
    if length := _LENGTH.match(message):
        if length[1] == "<=":
            return f"This is too long: at most {length[2]}."
        return "Fill this in." if length[2] == "1" else f"This is too short: at least {length[2]}."
    return f"{message.removesuffix('.')}."


def has_words(pattern: str) -> bool:
    """Whether a refusal by this regex is put in words."""
    return pattern in _FORMS
