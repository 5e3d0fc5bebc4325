"""The trilingual corpus keeps what its README promises."""

from __future__ import annotations

import collections
import re
import unicodedata

import pytest

from dlcourse.authoring import definitions

FOLDER = definitions.ROOT / "dlcourse" / "corpus"
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+")
CHINESE = re.compile(r"[\u4e00-\u9fff。？！，、]+")
FRENCH = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿŒœ'\-,.:?! \u202f]+")


def rows(name: str) -> list[list[str]]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert "\r" not in text and "\ufeff" not in text and text == unicodedata.normalize("NFC", text)
    return [line.split("\t") for line in text.splitlines()]


@pytest.fixture(scope="module")
def corpus() -> list[list[str]]:
    header, *body = rows("eng-fra-zho.tsv")
    assert header == ["eng", "fra", "zho"]
    return body


def words(sentence: str) -> list[str]:
    return WORD.findall(sentence.lower())


def test_size_length_and_vocabulary(corpus: list[list[str]]) -> None:
    assert len(corpus) >= 2400 and all(len(row) == 3 for row in corpus)
    assert all(2 <= len(words(english)) <= 10 for english, _, _ in corpus)
    count = collections.Counter(word for english, _, _ in corpus for word in set(words(english)))
    assert len(count) <= 800
    assert min(count.values()) >= 4, [word for word, times in count.items() if times < 4]


def test_no_english_sentence_twice(corpus: list[list[str]]) -> None:
    keys = [" ".join(words(english)) for english, _, _ in corpus]
    assert len(set(keys)) == len(keys)


def test_characters_and_punctuation(corpus: list[list[str]]) -> None:
    ends = {".": ("。",), "?": ("？",), "!": ("！", "。")}
    for english, french, chinese in corpus:
        assert re.fullmatch(r"[A-Za-z0-9', .?!\-]+", english), english
        assert FRENCH.fullmatch(french), french
        assert CHINESE.fullmatch(chinese), chinese
        assert french[-1] == english[-1] and chinese[-1] in ends[english[-1]], (english, french, chinese)
        assert not re.search(r"(?<!\u202f)[?!]|  ", french), french
        assert not re.search(r"\b(?:de le|de les|à le|à les|si il|ce est)\b", french), french


def test_extra_references(corpus: list[list[str]]) -> None:
    header, *body = rows("extra-references.tsv")
    assert header == ["eng", "lang", "reference"] and len(body) >= 400
    main = {english: {"fra": french, "zho": chinese} for english, french, chinese in corpus}
    assert all(reference != main[english][language] for english, language, reference in body)
    assert len({tuple(row) for row in body}) == len(body)
    assert {language for _, language, _ in body} == {"fra", "zho"}
    for _, language, reference in body:
        assert (CHINESE if language == "zho" else FRENCH).fullmatch(reference), reference
