"""CloudFormation's secrets that are generated: of the kinds of characters that the template allows.

The emulator knows their length and the characters to exclude, and ignores which kinds are excluded:
a key of letters and digits had punctuation, and was no key.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services.cloudformation import provisioners

REPLACED: dict[Callable[..., Any], list[str]] = {provisioners._sm_secret_string: ["props"]}
USED: dict[ModuleType, tuple[str, ...]] = {}
KINDS = {
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeNumbers": string.digits,
    "ExcludePunctuation": string.punctuation,
    "ExcludeUppercase": string.ascii_uppercase,
}
_inner = provisioners._sm_secret_string


def replace() -> None:
    """Put our function around the emulator's."""
    provisioners._sm_secret_string = _secret_string


def _secret_string(props: dict[str, Any]) -> Any:
    generated = props.get("GenerateSecretString")
    if generated:
        excluded = "".join(c for name, c in KINDS.items() if _is_set(generated.get(name)))
        characters = excluded + generated.get("ExcludeCharacters", "")
        props = {**props, "GenerateSecretString": {**generated, "ExcludeCharacters": characters}}
    return _inner(props)


def _is_set(value: object) -> bool:
    """CloudFormation's booleans may be texts."""
    return str(value).lower() == "true"
