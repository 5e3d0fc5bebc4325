"""The trilingual corpus keeps what its README promises."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest

from dlcourse import text
from dlcourse.authoring import corpus

MAIN, MORE = corpus.rows()


def test_files_are_plain() -> None:
    for name, header in (("eng-fra-zho.tsv", "eng\tfra\tzho"), ("extra-references.tsv", "eng\tlang\treference")):
        content = (text.CORPUS / name).read_text(encoding="utf-8")
        assert content.splitlines()[0] == header
        assert "\r" not in content and "\ufeff" not in content and content == unicodedata.normalize("NFC", content)
        assert all(line.count("\t") == 2 for line in content.splitlines())


def test_a_program_finds_no_problem() -> None:
    assert list(corpus.problems(MAIN, MORE)) == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (["Go.", "Va.", "去。"], "length"),
        (["I have a dog.", "Je ai un chien.", "我有狗。"], "elision"),
        (["He talks to the boy.", "Il parle à le garçon.", "他和男孩说话。"], "contraction"),
        (["Is it a dog?", "Est-ce un chien?", "是狗吗？"], "U\\+202F"),
        (["It's a dog.", "C'est un chien.", "是 dog。"], "Chinese: characters"),
        (["It's a dog.", "C'est un chien !", "是狗。"], "final marks|U\\+202F"),
        (["You have a dog.", "Tu a un chien.", "你有狗。"], "agreement"),
        (["They have a dog.", "Ils est un chien.", "他们有狗。"], "agreement"),
        (["It's 5 o'clock.", "Il est cinq heures.", "五点。"], "English: characters"),
        (["Be quiet.", "Tais-toi.", "安静。"], "said already"),
    ],
)
def test_the_program_finds_what_is_planted(row: list[str], problem: str) -> None:
    found = [told for told in corpus.problems([*MAIN, row], []) if row[1] in told]
    assert found and pytest.importorskip("re").search(problem, " ".join(found))


def test_sizes() -> None:
    assert len(MAIN) >= 6000
    count = Counter(word for row in MAIN for word in set(corpus.words(row[0])))
    assert 1100 <= len(count) <= 1220 and min(count.values()) >= 4
    assert sum(corpus.neighbours(MAIN)) / len(MAIN) <= 0.2
    assert {language for _, language, _ in MORE} == {"fra", "zho"}


def test_the_readme_states_the_counts() -> None:
    readme = (text.CORPUS / "README.md").read_text(encoding="utf-8")
    for what, count in corpus.sizes(MAIN, MORE).rows:
        assert f"| {what} | {count} |" in readme, (what, count)
