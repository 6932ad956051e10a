"""Files of history as they are found: their encoding, their separators, their broken rows."""

import csv
from pathlib import Path

import pytest

from imports.errors import HEADER, ErrorsFile, errors_of
from imports.meaning import Wrong
from imports.reading import CHUNK, Reading, Row, Unusable, examine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def rows(file: Path, content: bytes | str) -> list[Row]:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with Reading(examine(file)) as reading:
        found = list(reading.rows())
        assert reading.position == file.stat().st_size
    return found


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf8_is_read_with_and_without_a_mark_and_with_every_end_of_line(file: Path, mark: bytes, end: str) -> None:
    content = mark + end.join(["email,first_name", 'a@example.org,"Zoé, dite Zo"', ""]).encode()
    assert rows(file, content) == [Row(2, {"email": "a@example.org", "first_name": "Zoé, dite Zo"})]


def test_semicolons_are_found_and_those_in_quotes_do_not_count(file: Path) -> None:
    (one,) = rows(file, '"email;or,not";phone\na;1,5\n')
    assert one.values == {"email;or,not": "a", "phone": "1,5"}
    assert rows(file, 'email,"a;b;c",phone\n1,2,3\n')[0].values == {"email": "1", "a;b;c": "2", "phone": "3"}


def test_a_row_has_the_number_that_a_spreadsheet_shows(file: Path) -> None:
    found = rows(file, '\nemail,first_name\na,"two\nlines"\n\nb,\n')
    assert [(one.number, dict(one.values)) for one in found] == [
        (3, {"email": "a", "first_name": "two\nlines"}),
        (4, {}),
        (5, {"email": "b"}),
    ]


def test_a_broken_row_does_not_stop_the_others(file: Path) -> None:
    found = rows(file, "email,first_name\na\nb,B,C\nc,C\n")
    assert [one.problem for one in found] == ["has 1 cells, the header has 2", "has 3 cells, the header has 2", None]
    lines = rows(file, '{"email": "a"}\n[]\n{"email":\n\n{"email": "b"}')
    assert [one.problem for one in lines] == [None, "is no JSON object", "is no JSON object", None, None]
    assert [one.number for one in lines] == [1, 2, 3, 4, 5]


def test_a_quotation_mark_that_nothing_closes_costs_no_memory_and_not_the_whole_file(file: Path) -> None:
    length = csv.field_size_limit()
    found = rows(file, 'email\na\n"b\n' + "c\n" * length)
    assert found[0].values == {"email": "a"}
    assert "quotation mark" in (found[1].problem or "")
    assert found[-1].values == {"email": "c"}


def test_json_lines_may_be_shaped_like_an_event(file: Path) -> None:
    (one,) = rows(
        file,
        '{"customer": {"id": 7, "traits": {"age": 3}}, "properties": {"order_id": "5"}, "coupon": null, '
        '"traits": {"b": 1}}',
    )
    assert one.values == {"customer.id": 7, "traits.age": 3, "properties.order_id": "5", "traits.b": 1}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        ("email\né\n".encode("latin-1"), "is not UTF-8, the first other byte is at 6"),
        ("email\na\n".encode("utf-16"), "is in UTF-16: save it as UTF-8"),
        ("email\na\n".encode("utf-32"), "is in UTF-32"),
        (b"email\nabc\xc3", "is not UTF-8, the first other byte is at 9"),
        (b"\n" + b"e" * (CHUNK - 2) + b"\xc3\xa9\n" + b"x\xff", f"the first other byte is at {CHUNK + 3}"),
        (b"e" * 2 * CHUNK, "lines of more than 1 MB"),
        (b"\n\n", "has no header"),
        (b'[{"email": "a"}]', "one JSON list: write one object a line"),
        (b"email,email\na,b\n", "has the column email twice"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(file: Path, content: bytes, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        rows(file, content)


def test_a_folder_or_no_file_at_all_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="is no file"):
        examine(tmp_path)
    with pytest.raises(Unusable, match="cannot read gone: No such file"):
        examine(tmp_path / "gone")


def test_the_same_content_is_the_same_file_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("email\na\n")
    assert examine(tmp_path / "a.csv").digest == examine(tmp_path / "b.csv").digest


def test_what_was_said_of_rows_that_come_again_is_left_out(file: Path) -> None:
    ErrorsFile(file, 0).say([Wrong(2, "email", "is no e-mail address"), Wrong(7, "", "is, or not")])
    said = errors_of(file)
    with said.open("a") as open_file:
        open_file.write("9,half a li")
    ErrorsFile(file, 6).say([])
    ErrorsFile(file, 6).say([Wrong(7, "", "is no JSON object")])
    assert list(csv.reader(said.open(newline=""))) == [
        list(HEADER),
        ["2", "email", "is no e-mail address"],
        ["7", "", "is no JSON object"],
    ]
    ErrorsFile(file, 1)
    assert not said.exists()


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe", b""])
def test_somebody_elses_file_is_never_written_over(file: Path, content: bytes) -> None:
    errors_of(file).write_bytes(content)
    with pytest.raises(Unusable, match="move it away"):
        ErrorsFile(file, 0)
    assert errors_of(file).read_bytes() == content
