"""Speaks Flowable's REST API.

Sources: Flowable BPMN REST API, chapters Process Instances, Executions, History. Errors are `{"message": …,
"exception": …}`; an unknown process key is 400, too. A message goes to the execution that waits for it.
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx2

from ...texts import both
from .. import http
from ..engine import Typed, Variables, not_there, taken
from ..target import NotTaken, Retry

_UNKNOWN = ("No process definition found", "no processes deployed", "Cannot start process instance by message")


class Client:
    """One engine. `base`: the REST API's address; `tenant`: whose process definitions are meant."""

    def __init__(self, client: http.Client, base: str, tenant: str | None = None) -> None:
        self._http = client
        self._base = base.rstrip("/")
        self._tenant = {"tenantId": tenant} if tenant else {}

    async def find(self, process: str | None, business_key: str) -> str | None:
        """See Engine."""
        asked = {"businessKey": business_key, **({"processDefinitionKey": process} if process else {}), **self._tenant}
        running = await self._list("runtime/process-instances", asked)
        found = running or await self._list("history/historic-process-instances", asked)
        return str(found[0]["id"]) if found else None

    async def start(self, process: str | None, message: str | None, business_key: str, variables: Variables) -> str:
        """See Engine."""
        url = f"{self._base}/runtime/process-instances"
        which = {"processDefinitionKey": process} if process else {"message": message}
        body = {**which, "businessKey": business_key, "variables": _written(variables), **self._tenant}
        answer = await http.request(self._http, "POST", url, json=body)
        why = _reason(answer)
        if answer.status_code == 400 and any(said.lower() in why.lower() for said in _UNKNOWN):
            what = both(f"der Prozess {process}", f"the process {process}")
            raise not_there(url, what if process else both(f"die Nachricht {message}", f"the message {message}"), why)
        if answer.status_code in (404, 405, 410):
            raise http.takes_nothing(url, answer)
        if not answer.is_success:
            raise NotTaken(f"{answer.status_code}: {why}")
        return str(http.content(answer, url)["id"])

    async def tell(self, message: str, instance: str, business_key: str, variables: Variables) -> bool:
        """See Engine."""
        asked = {"processInstanceId": instance, "messageEventSubscriptionName": message}
        waiting = await self._list("runtime/executions", asked)
        if not waiting:
            return False
        url = f"{self._base}/runtime/executions/{quote(str(waiting[0]['id']), safe='')}"
        body = {"action": "messageEventReceived", "messageName": message, "variables": _written(variables)}
        answer = await http.request(self._http, "PUT", url, json=body)
        if answer.status_code == 404:  # it has just gone on
            return False
        taken(answer)
        return True

    async def ended(self, instance: str) -> bool:
        """See Engine."""
        url = f"{self._base}/runtime/process-instances/{quote(instance, safe='')}"
        return not http.found(await http.request(self._http, "GET", url), url)

    async def deployed(self, process: str) -> str | None:
        """See Engine."""
        found = await self._list("repository/process-definitions", {"key": process, "latest": "true", **self._tenant})
        return str(found[0].get("name") or process) if found else None

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _list(self, path: str, asked: dict[str, str]) -> list[Any]:
        url = f"{self._base}/{path}"
        found = http.content(await http.request(self._http, "GET", url, params=asked), url).get("data")
        if not isinstance(found, list):
            raise Retry(
                both(
                    f"{url}: die Antwort ist keine Liste; die url prüfen",
                    f"{url}: the answer is no list; check the url",
                )
            )
        return found


def _written(variables: Variables) -> list[dict[str, Any]]:
    return [
        {"name": name, "type": variable.type.lower(), "value": _value(variable)} for name, variable in variables.items()
    ]


def _value(variable: Typed) -> Any:
    value = variable.value
    if isinstance(value, datetime):  # ISO 8601
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    return value


def _reason(answer: httpx2.Response) -> str:
    """Both parts of an error: the first alone says no more than the status."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("exception"), str):
        return " ".join(found["exception"].split())[:300]
    return http.reason(answer)
