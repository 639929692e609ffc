"""Working on cases: steps and their forms, notes, photos, silences."""

import io
import random
from collections.abc import Iterator

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from bordstein_gateway.cases import answers, photos
from bordstein_gateway.cases.cases import AnswersWrong, CaseProblem
from bordstein_gateway.texts import said
from tests.gateway.case_town import BIN, DAY, Hall, hall


@pytest.fixture(scope="module")
def town_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """For all tests here: each has objects of its own."""
    folder = tmp_path_factory.mktemp("hall")
    found = hall(folder / "bordstein.sqlite", folder)
    yield found
    found.store.close()


def begun(hall: Hall, object: str) -> int:
    """A case of this object."""
    id = hall.fires(object=object)
    assert id is not None
    return id


def picture(size: tuple[int, int] = (40, 20), form: str = "JPEG", **options: object) -> bytes:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, form, **options)  # type: ignore[arg-type]
    return out.getvalue()


FORM = [
    {"name": "yes", "label": {"de": "geleert", "en": "emptied"}, "type": "boolean", "required": True},
    {"name": "weight", "label": "Gewicht", "type": "number"},
    {"name": "kind", "label": "Inhalt", "type": "choice", "choices": [{"de": "Müll", "en": "waste"}, "Laub"]},
    {"name": "note", "label": "Bemerkung", "type": "text"},
    {"name": "picture", "label": "Foto", "type": "photo"},
]


def test_answers_are_values_of_their_fields_kinds() -> None:
    given = {"yes": "on", "weight": " 1,5 ", "kind": "waste", "note": "so\0", "picture": "ab" * 32, "other": "x"}
    found = {"yes": True, "weight": 1.5, "kind": "Müll", "note": "so", "picture": "ab" * 32}
    assert answers.checked(FORM, given) == (found, {})
    assert answers.checked(FORM, {"yes": False, "weight": 3, "kind": "Laub"})[0] == {
        "yes": False,
        "weight": 3.0,
        "kind": "Laub",
    }


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({}, "yes", '"emptied" is missing'),
        ({"yes": "vielleicht"}, "yes", '"emptied" is neither yes nor no'),
        ({"yes": 1, "weight": "schwer"}, "weight", '"Gewicht" is no number'),
        ({"yes": 1, "weight": "inf"}, "weight", '"Gewicht" is no number'),
        ({"yes": 1, "weight": True}, "weight", '"Gewicht" is no number'),
        ({"yes": 1, "kind": "Gold"}, "kind", '"Inhalt" is not among the choices'),
        ({"yes": 1, "note": 7}, "note", '"Bemerkung" is no text'),
        ({"yes": 1, "note": "x" * 4001}, "note", '"Bemerkung" has more than 4000 characters'),
        ({"yes": 1, "picture": "../../etc"}, "picture", '"Foto" is no photo'),
    ],
)
def test_a_wrong_answer_is_told_by_its_field(given: dict[str, object], field: str, sentence: str) -> None:
    _, wrong = answers.checked(FORM, given)
    assert wrong == {field: sentence}
    assert said(wrong[field], "de") != sentence


def test_a_ticked_step_is_in_the_record_with_its_answers(town_hall: Hall) -> None:
    id = begun(town_hall, "tick")
    cases = town_hall.cases
    with pytest.raises(CaseProblem, match="has no step 9"):
        cases.tick_off(id, 9, "eva").result()
    case = cases.tick_off(id, 1, "eva", note="Tor war zu").result()
    assert (case.state, case.account) == ("in_work", "eva")
    with pytest.raises(CaseProblem, match="Step 1 is done already, by eva"):
        cases.tick_off(id, 1, "otto").result()
    with pytest.raises(AnswersWrong) as wrong:
        cases.tick_off(id, 2, "eva", {"weight": "viel"}).result()
    assert set(wrong.value.fields) == {"emptied", "weight"}
    cases.tick_off(id, 2, "eva", {"emptied": "ja", "weight": "12,5"}, differently="Von hinten angefahren").result()
    whole = cases.whole(id)
    assert whole is not None
    assert [(step.state, step.actor, step.note) for step in whole.steps] == [
        ("done", "eva", "Tor war zu"),
        ("done", "eva", ""),
    ]
    assert whole.steps[1].answers == {"emptied": True, "weight": 12.5}
    assert [entry.action for entry in whole.history] == ["opened", "step", "step", "differently"]
    assert whole.history[2].detail["answers"] == {"emptied": True, "weight": 12.5}


def test_what_was_done_differently_is_a_proposal_until_somebody_decides(town_hall: Hall) -> None:
    id = begun(town_hall, "differently")
    cases = town_hall.cases
    note = cases.comment(id, "eva", "Erst den Deckel lösen", differently=True).result()
    assert [(one.text, case.id) for one, case in cases.proposals("bin-full") if case.id == id] == [
        ("Erst den Deckel lösen", id)
    ]
    assert cases.proposals("other") == []
    assert cases.decide(note.id, "chef", accepted=True).result().state == "accepted"
    assert not [case for _, case in cases.proposals() if case.id == id]
    with pytest.raises(CaseProblem, match="decided on already"):
        cases.decide(note.id, "chef", accepted=False).result()
    whole = cases.whole(id)
    assert whole is not None and whole.history[-1].action == "proposal accepted"
    with pytest.raises(CaseProblem, match="text is missing"):
        cases.comment(id, "eva", " \n").result()


def test_ending_a_case_leaves_nothing_to_do_and_opening_it_again_does(town_hall: Hall) -> None:
    id = begun(town_hall, "again")
    cases = town_hall.cases
    cases.tick_off(id, 1, "eva").result()
    cases.done(id, "eva").result()
    assert [step.state for step in (cases.whole(id) or pytest.fail()).steps] == ["done", "skipped"]
    with pytest.raises(CaseProblem, match="open it again first"):
        cases.tick_off(id, 2, "eva", {"emptied": True}).result()
    cases.reopen(id, "eva", "doch voll").result()
    assert [step.state for step in (cases.whole(id) or pytest.fail()).steps] == ["done", "ready"]


def test_a_photo_says_nothing_but_what_is_to_be_seen(town_hall: Hall) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6  # turn by 90° clockwise: red comes on top
    exif[Base.Make] = "Geheimtelefon"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (50.0, 6.0, 0.0)
    found = photos.prepared(picture((3000, 1500), exif=exif, comment=b"Eva"))
    for secret in (b"Geheimtelefon", b"Eva", b"Exif", b"GPS"):
        assert secret not in found.content
    with Image.open(io.BytesIO(found.content)) as image:
        assert image.format == "JPEG"
        assert image.size == (found.width, found.height) == (800, 1600)
        assert not image.getexif()
        top = image.getpixel((400, 100))
        assert isinstance(top, tuple) and top[0] > 200 > 100 > top[2]
    id = begun(town_hall, "photo")
    note = town_hall.cases.photo(id, "eva", picture(form="PNG"), "vorher").result()
    assert note.photo is not None
    kind, content = town_hall.cases.picture(note.photo) or pytest.fail()
    assert kind == "image/jpeg" and content.startswith(b"\xff\xd8")
    assert town_hall.cases.keep_photo("otto", picture(form="PNG")).result() == note.photo
    assert town_hall.cases.picture("0" * 64) is None


def test_what_is_no_picture_or_too_large_is_refused_in_a_sentence() -> None:
    random.seed(7)
    whole = picture((64, 64))
    for bad in (b"", b"GIF89a", random.randbytes(500), whole[:200], picture(form="GIF"), picture(form="BMP")):
        with pytest.raises(CaseProblem, match="no photo that can be read"):
            photos.prepared(bad)
    with pytest.raises(CaseProblem, match="11 MB; 10 MB at most"):
        photos.prepared(bytes(11 * 1048576))
    with pytest.raises(CaseProblem, match="13 megapixels at most"):
        photos.prepared(picture((6000, 4000), "PNG"))


def test_a_silence_ends_and_what_it_held_back_begins(town_hall: Hall) -> None:
    cases = town_hall.cases
    until = town_hall.now + DAY
    silence = cases.silence("chef", "Baustelle", until, object="quiet").result()
    assert silence in cases.silences()
    assert town_hall.fires(object="quiet/bay1") is None, "a device's silence is its series' too"
    town_hall.says("recovers", "", object="quiet/bay1")
    assert town_hall.fires(object="quiet") is None
    assert town_hall.says("rises", "over", object="quiet") is None
    assert town_hall.fires(object="other") is not None
    cases.end_silence(silence.id, "chef").result()
    with pytest.raises(CaseProblem, match="ended already"):
        cases.end_silence(silence.id, "chef").result()
    open_ones = [case for case in cases.list()[0] if case.object == "quiet"]
    assert [(case.stage, case.state) for case in open_ones] == [("over", "new")]


def test_what_was_over_before_the_silence_ended_begins_no_case(town_hall: Hall) -> None:
    cases = town_hall.cases
    silence = cases.silence("chef", "Baustelle", town_hall.now + DAY, rule="bin-full", object="calm").result()
    assert town_hall.fires(object="calm") is None
    town_hall.says("recovers", "", object="calm")
    cases.end_silence(silence.id, "chef").result()
    assert not [case for case in cases.list()[0] if case.object == "calm"]


def test_a_silence_is_neither_for_good_nor_for_all(town_hall: Hall) -> None:
    now = town_hall.now
    for until in (now, now - 1, now + 91 * DAY):
        with pytest.raises(CaseProblem, match="90 days ahead at most"):
            town_hall.cases.silence("chef", "Ruhe", until, object=BIN).result()
    with pytest.raises(CaseProblem, match="not all can be silenced"):
        town_hall.cases.silence("chef", "Ruhe", now + DAY).result()
    with pytest.raises(CaseProblem, match="reason is missing"):
        town_hall.cases.silence("chef", "", now + DAY, object=BIN).result()
