"""The catalogue, parsed by rdflib, with what DCAT-AP.de asks for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib import namespace as ns
from rdflib.compare import isomorphic
from starlette.testclient import TestClient

from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.feeds.rdf import Node, Ref, Text, json_ld, turtle
from bordstein_gateway.store import Arrival
from tests.gateway.loopback import Log
from tests.gateway.opening import BAYS, client, fill, site, town

DCATDE: Any = Namespace("http://dcat-ap.de/def/dcatde/")
EU = "http://publications.europa.eu/resource/authority"
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own
BASE = "https://daten.musterstadt.de"


@pytest.fixture(scope="module")
def open_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder: Path = tmp_path_factory.mktemp("catalog")
    log = Log(folder / "store.sqlite")
    fill(log)
    with client(town(log, folder)) as open_town:
        yield open_town
    log.store.close()


@pytest.fixture(scope="module")
def graph(open_town: TestClient) -> Graph:
    return Graph().parse(data=open_town.get("/open/catalog.ttl").text, format="turtle")


def test_both_forms_say_the_same(open_town: TestClient, graph: Graph) -> None:
    other = Graph().parse(data=open_town.get("/open/catalog.jsonld").text, format="json-ld")
    assert len(graph) > 100 and isomorphic(graph, other)


def test_the_form_is_as_asked_for(open_town: TestClient) -> None:
    forms = {
        accept: open_town.get("/open/catalog", headers={"accept": accept}).headers["content-type"].split(";")[0]
        for accept in ("*/*", "text/turtle", "application/ld+json")
    }
    assert forms == {"*/*": "text/turtle", "text/turtle": "text/turtle", "application/ld+json": "application/ld+json"}


def test_the_catalogue_has_what_it_must(graph: Graph) -> None:
    (catalog,) = graph.subjects(ns.RDF.type, ns.DCAT.Catalog)
    assert catalog == URIRef(f"{BASE}/open/catalog")
    (publisher,) = graph.objects(catalog, ns.DCTERMS.publisher)
    assert graph.value(publisher, ns.FOAF.name) == Literal('Stadt "Musterstadt"\\Süd')
    assert (publisher, ns.RDF.type, ns.FOAF.Agent) in graph
    assert graph.value(catalog, ns.DCTERMS.title) and graph.value(catalog, ns.DCTERMS.description)
    assert set(graph.objects(catalog, ns.DCAT.dataset)) == set(graph.subjects(ns.RDF.type, ns.DCAT.Dataset))


def test_each_dataset_has_what_it_must(graph: Graph) -> None:
    datasets = set(graph.subjects(ns.RDF.type, ns.DCAT.Dataset))
    assert {str(one).rpartition("#")[2] for one in datasets} == {
        "air_temperature",
        "pm10",
        "pm2_5",
        "parking_bay_occupied",
        "parking",
    }
    for one in datasets:
        for name in (ns.DCTERMS.title, ns.DCTERMS.description):
            assert {text.language for text in graph.objects(one, name) if isinstance(text, Literal)} == {"de", "en"}
        assert graph.value(one, DCATDE.contributorID) == URIRef("http://dcat-ap.de/def/contributors/musterstadt")
        key = graph.value(one, DCATDE.politicalGeocodingURI)
        assert key == URIRef("http://dcat-ap.de/def/politicalGeocoding/municipalityKey/07131038")
        assert graph.value(one, DCATDE.politicalGeocodingLevelURI) is not None
        assert str(graph.value(one, ns.DCAT.theme)) in (f"{EU}/data-theme/ENVI", f"{EU}/data-theme/TRAN")
        period = graph.value(one, ns.DCTERMS.temporal)
        start = graph.value(period, ns.DCAT.startDate)
        assert isinstance(start, Literal) and start.datatype == ns.XSD.date and start.toPython()
        for name in (
            ns.DCTERMS.publisher,
            ns.DCTERMS.modified,
            ns.DCAT.contactPoint,
            ns.DCAT.keyword,
            ns.DCAT.distribution,
        ):
            assert graph.value(one, name) is not None, (one, name)


def test_each_distribution_can_be_fetched_and_has_its_licence(open_town: TestClient, graph: Graph) -> None:
    distributions = set(graph.subjects(ns.RDF.type, ns.DCAT.Distribution))
    assert distributions == set(graph.objects(None, ns.DCAT.distribution))
    for one in distributions:
        url = str(graph.value(one, ns.DCAT.accessURL))
        assert url.startswith(f"{BASE}/")
        answer = open_town.head(url.removeprefix(BASE))
        assert answer.status_code == 200, url
        kind = answer.headers["content-type"].split(";")[0]
        assert graph.value(one, ns.DCAT.mediaType) == URIRef(f"https://www.iana.org/assignments/media-types/{kind}")
        dust = "#pm10" in str(one)
        licence = "dl-by-de" if dust else "dl-zero-de"
        assert graph.value(one, ns.DCTERMS.license) == URIRef(f"http://dcat-ap.de/def/licenses/{licence}/2.0")
        assert graph.value(one, DCATDE.licenseAttributionByText) == Literal("Stadt Musterstadt", lang="de")


def test_where_it_is_measured_is_a_box(graph: Graph) -> None:
    box = graph.value(graph.value(URIRef(f"{BASE}/open/catalog#air_temperature"), ns.DCTERMS.spatial), ns.DCAT.bbox)
    assert isinstance(box, Literal) and str(box.datatype) == "http://www.opengis.net/ont/geosparql#wktLiteral"
    assert str(box).startswith("POLYGON ((9.9937 53.55110001, ")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=50, deadline=None)
@given(title=TEXTS, path=TEXTS, inner=TEXTS)
def test_whatever_is_said_both_forms_can_be_read(title: str, path: str, inner: str) -> None:
    person = Node(None, "foaf:Agent", [("foaf:name", Text(inner))])
    about: list[tuple[str, Ref | Text | Node]] = [
        ("dct:title", Text(title, "de")),
        ("dct:creator", person),
        ("dct:date", Text("2026-11-26", type="xsd:date")),
        ("dct:relation", Ref(f"https://example.org/{path}")),
    ]
    nodes = [Node("https://example.org/x", "dcat:Dataset", about)]
    graph = Graph().parse(data=turtle(nodes), format="turtle")
    assert graph.value(URIRef("https://example.org/x"), ns.DCTERMS.title) == Literal(title, lang="de")
    assert Literal(inner) in set(graph.objects(None, ns.FOAF.name))
    assert isomorphic(graph, Graph().parse(data=json_ld(nodes), format="json-ld"))


def test_parking_is_as_new_as_what_is_public_of_it(tmp_path: Path) -> None:
    log = Log(tmp_path / "s.sqlite")
    sites = [site("free"), {**site("taken", publish=False), "uid": "hof", "name": "Hof"}]
    everybody = client(town(log, tmp_path, publish={"default": True}, parking={"site": sites}))
    for state, received in (("free", 1_790_000_000), ("taken", 1_795_000_000)):
        reading = Reading("bay/parking_bay_occupied", received * 1000, True, "/", 0)
        pack = Pack(BAYS[state], 1, 0, False, "set", [reading])
        log.store.write([Arrival(BAYS[state], "", b"", pack)], now_ms=received * 1000)
    found = Graph().parse(data=everybody.get("/open/catalog.ttl").text, format="turtle")
    parking = URIRef(f"{everybody.base_url}/open/catalog#parking")
    assert str(found.value(parking, ns.DCTERMS.modified)).startswith("2026-09-21")
    log.store.close()
