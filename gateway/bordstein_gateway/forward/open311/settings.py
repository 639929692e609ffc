"""[forward.…] with kind = "open311"."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from ...config.types import Duration, Secret, Text, Url
from ...config.words import Rule, missing, table
from ...texts import pick
from ..when import EventForward, When
from ..when import rules as when_rules
from ..wording import problem

DESCRIPTION = "{{ name }}: {{ label }} {{ value }} ({{ time }})"


class Open311When(When, kw_only=True):
    """A rule; `service_code`, `description` and `attributes` before the target's own."""

    service_code: Text | None = None
    description: str | None = None
    attributes: dict[str, str] = {}


class Open311(EventForward, kw_only=True, tag_field="kind", tag="open311"):
    """`url` up to what precedes /services, as in https://host/georeport/v2. `radius`: metres in which an open request
    of the same service is taken to be about the same. `poll`: how often the state of requests is asked for.
    `trial_service_code`: a service for trials; without one no trial request is made.
    """

    service_code: Text | None = None
    description: str = DESCRIPTION
    attributes: dict[str, str] = {}
    api_key_file: Secret | None = None
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    phone: Text | None = None
    address_string: str | None = None
    media_url: Url | None = None
    jurisdiction_id: Text | None = None
    format: Literal["json", "xml"] = "json"
    radius: Annotated[int, Meta(ge=0, le=1000)] = 25
    poll: Duration = "10m"
    language: Literal["de", "en"] = "de"
    trial_service_code: Text | None = None
    when: list[Open311When] = []


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    yield from when_rules(forward)
    for key in ("description", "address_string"):
        yield (key,), problem(forward.get(key))
    for code, template in table(forward, "attributes").items():
        yield ("attributes", code), problem(template)
    for place, when in enumerate(forward.get("when") or []):
        if not isinstance(when, dict):
            continue
        yield ("when", place, "description"), problem(when.get("description"))
        for code, template in table(when, "attributes").items():
            yield ("when", place, "attributes", code), problem(template)
        if "service_code" not in when and "service_code" not in forward:
            what = pick("die Art der Meldung, aus GET …/services", "the kind of request, of GET …/services")
            yield ("when", place), missing("service_code", what)
