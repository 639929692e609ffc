"""Speaks the REST API of Camunda 7, which Operaton has too.

Sources: Camunda 7 manual, REST API reference: process-definition start, message, process-instance and
history/process-instance queries. Errors are `{"type": "RestException", "message": …}`: 404 no such process definition,
400 a variable of a wrong type or a message nothing waits for, 500 the process itself failed in its first steps, which
are rolled back then.
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from ...texts import both
from .. import http
from ..engine import Typed, Variables, not_there, taken
from ..target import NotTaken, Retry

_MISMATCH = "MismatchingMessageCorrelationException"


class Client:
    """One engine. `base`: the REST API's address; `tenant`: whose process definitions are meant."""

    def __init__(self, client: http.Client, base: str, tenant: str | None = None) -> None:
        self._http = client
        self._base = base.rstrip("/")
        self._tenant = tenant

    async def find(self, process: str | None, business_key: str) -> str | None:
        """See Engine. An engine that keeps no history answers with an empty list, or that there is none."""
        asked = {"processDefinitionKey": process} if process else {}
        if self._tenant:
            asked["tenantIdIn"] = self._tenant
        running = await self._list("process-instance", {"businessKey": business_key, **asked})
        ended = running or await self._list(
            "history/process-instance", {"processInstanceBusinessKey": business_key, **asked}
        )
        return str(ended[0]["id"]) if ended else None

    async def start(self, process: str | None, message: str | None, business_key: str, variables: Variables) -> str:
        """See Engine."""
        if process is None:
            started = await self._message(
                {"messageName": message, "businessKey": business_key, "resultEnabled": True}, variables
            )
            if started is None:
                raise not_there(f"{self._base}/message", both(f"die Nachricht {message}", f"the message {message}"))
            try:
                return str(started[0]["processInstance"]["id"])
            except (LookupError, TypeError):
                raise NotTaken(
                    both(
                        f"die Nachricht {message} beginnt dort keinen Prozess, sie erreicht einen laufenden",
                        f"the message {message} starts no process there, it reaches a running one",
                    )
                ) from None
        tenant = f"/tenant-id/{quote(self._tenant, safe='')}" if self._tenant else ""
        url = f"{self._base}/process-definition/key/{quote(process, safe='')}{tenant}/start"
        body = {"businessKey": business_key, "variables": _written(variables)}
        answer = await http.request(self._http, "POST", url, json=body)
        if answer.status_code in (404, 405, 410):
            raise not_there(url, both(f"der Prozess {process}", f"the process {process}"), http.reason(answer))
        taken(answer)
        return str(http.content(answer, url)["id"])

    async def tell(self, message: str, instance: str, business_key: str, variables: Variables) -> bool:
        """See Engine."""
        whom = {"messageName": message, "businessKey": business_key}
        if not self._tenant:  # with a tenant the instance must not be named
            whom["processInstanceId"] = instance
        return await self._message(whom, variables) is not None

    async def ended(self, instance: str) -> bool:
        """See Engine."""
        url = f"{self._base}/process-instance/{quote(instance, safe='')}"
        return not http.found(await http.request(self._http, "GET", url), url)

    async def deployed(self, process: str) -> str | None:
        """See Engine."""
        tenant = f"/tenant-id/{quote(self._tenant, safe='')}" if self._tenant else ""
        url = f"{self._base}/process-definition/key/{quote(process, safe='')}{tenant}"
        answer = await http.request(self._http, "GET", url)
        if answer.status_code == 404:
            return None
        return str(http.content(answer, url).get("name") or process)

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _message(self, body: dict[str, Any], variables: Variables) -> Any:
        """What came of a message: a list, empty where nothing was asked for; None: nothing waits for it."""
        url = f"{self._base}/message"
        tenant = {"tenantId": self._tenant} if self._tenant else {}
        answer = await http.request(
            self._http, "POST", url, json={**body, **tenant, "processVariables": _written(variables)}
        )
        if answer.status_code == 400 and _MISMATCH in answer.text:
            return None
        if answer.status_code in (404, 405, 410):
            raise http.takes_nothing(url, answer)
        taken(answer)
        return answer.json() if answer.status_code == 200 and answer.content else []

    async def _list(self, path: str, asked: dict[str, str]) -> list[Any]:
        url = f"{self._base}/{path}"
        answer = await http.request(self._http, "GET", url, params=asked)
        if answer.status_code == 404 and path.startswith("history"):
            return []
        try:
            found = answer.json() if answer.is_success else None
        except ValueError:
            found = None
        if not isinstance(found, list):
            status, why = answer.status_code, http.reason(answer)
            raise Retry(
                both(
                    f"{url} antwortet {status}: {why}; die url prüfen", f"{url} answers {status}: {why}; check the url"
                )
            )
        return found


def _written(variables: Variables) -> dict[str, dict[str, Any]]:
    return {name: {"value": _value(variable), "type": variable.type} for name, variable in variables.items()}


def _value(variable: Typed) -> Any:
    value = variable.value
    if isinstance(value, datetime):  # yyyy-MM-dd'T'HH:mm:ss.SSSZ
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}+0000"
    return value
