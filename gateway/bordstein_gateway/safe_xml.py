"""XML of others: what must not be in it."""

from xml.parsers import expat


def refuse_doctype(content: bytes) -> None:
    """ValueError where there is a document type: with one, a few bytes can stand for gigabytes, or for a file of this
    machine. expat.ExpatError: it is no XML."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise ValueError("XML with a document type is not read")

    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)
