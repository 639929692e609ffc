"""XML names that made and drawn procedures are written in.

Sources: BPMN 2.0 (OMG formal/2011-01-03), sections 12 (diagram interchange) and 15 (exchange formats); Camunda 7
manual, extension
elements. BORDSTEIN: what BPMN has no word for, see README.md.
"""

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
BORDSTEIN = "urn:bordstein:procedure:1"
PREFIXES = {
    "bpmn": BPMN,
    "bpmndi": BPMNDI,
    "dc": DC,
    "di": DI,
    "xsi": XSI,
    "camunda": CAMUNDA,
    "bordstein": BORDSTEIN,
}
CEL = "https://cel.dev"
"""The language of conditions, as BPMN names languages: by a URI."""

CASE = "case"
"""The message that begins a procedure."""
RECOVERED = "recovered"
"""The message that the condition is over."""
ESCALATE_AT = "escalate_at"
"""The variable with the time of an escalation that counts working time: RFC 3339."""


def tag(prefix: str, name: str) -> str:
    """A name as lxml writes it."""
    return f"{{{PREFIXES[prefix]}}}{name}"
