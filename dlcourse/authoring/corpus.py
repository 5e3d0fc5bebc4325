"""Count and check the bundled corpus: ``python -m dlcourse.authoring.corpus`` prints its sizes and what is wrong."""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from dlcourse import text
from dlcourse.table import Table

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_ENGLISH = re.compile(r"[A-Za-z', .?!\-]+")
_FRENCH = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿŒœ'\-,.?! \u202f]+")
_CHINESE = re.compile(r"[\u4e00-\u9fff。？！，、]+")
_MARKS = {".": "。", "?": "？", "!": "！。"}
_VOWEL = "[aeiouéèêâîôûœ]"
_FAULTS = {  # what no French sentence of the corpus has
    "a contraction is missing": re.compile(
        r"\b(?:de les?|à les?|si ils?)\b(?! (?:lire|faire|voir|dire|prendre|mettre|réparer)\b)"
    ),
    "an elision is missing": re.compile(rf"(?<!-)\b(?:je|ne|que|ce|me|te|se|de|le|la) (?!onze|oui|un\b){_VOWEL}"),
    "? and ! need U+202F before them": re.compile(r"(?<!\u202f)[?!]"),
    "two spaces": re.compile(r"  | $|^ "),
    "agreement": re.compile(
        r"(?<![-\w])(?<!d')(?:je (?:a|est|ont|sont)|tu (?:a|est|ai)|(?:il|elle|on) (?:ai|as|es|suis|sont|ont)"
        r"|(?:ils|elles) (?:a|ai|as|est|suis)) \w"
    ),
}
Row = Sequence[str]


def words(sentence: str) -> tuple[str, ...]:
    """Return the English words in lower case, a contraction as one word."""
    return tuple(_WORD.findall(sentence.lower()))


def rows() -> tuple[list[list[str]], list[list[str]]]:
    """Return the rows (eng, fra, zho) of the corpus, and those (eng, lang, reference) of the extra references."""
    files = (text.CORPUS / name for name in ("eng-fra-zho.tsv", "extra-references.tsv"))
    main, more = ([line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[1:]] for file in files)
    return main, more


def french_problems(french: str) -> list[str]:
    """Return what is wrong with a French sentence's characters, elisions and the like."""
    found = [] if _FRENCH.fullmatch(french) else ["characters"]
    return found + [name for name, pattern in _FAULTS.items() if pattern.search(french.lower())]


def problems(main: Sequence[Row], more: Sequence[Row]) -> Iterator[str]:
    """Yield each problem of the corpus that a program can see, with its sentence."""
    seen: set[tuple[str, ...]] = set()
    by_english = {row[0]: row for row in main}
    for english, french, chinese in main:
        told = [f"French: {name}" for name in french_problems(french)]
        told += ["English: characters"] * (not _ENGLISH.fullmatch(english))
        told += ["Chinese: characters"] * (not _CHINESE.fullmatch(chinese))
        told += ["length"] * (not 2 <= len(words(english)) <= 12)
        told += ["said already"] * (words(english) in seen)
        told += ["final marks"] * (french[-1] != english[-1] or chinese[-1] not in _MARKS.get(english[-1], ""))
        told += ["not NFC"] * any(unicodedata.normalize("NFC", side) != side for side in (english, french, chinese))
        seen.add(words(english))
        yield from (f"{problem}: {english} | {french} | {chinese}" for problem in told)
    for english, language, reference in more:
        if english not in by_english:
            yield f"reference without its sentence: {english}"
        elif reference == by_english[english][1 if language == "fra" else 2]:
            yield f"reference equals the main translation: {english}"
        told = french_problems(reference) if language == "fra" else ["characters"] * (not _CHINESE.fullmatch(reference))
        yield from (f"reference, {problem}: {english} | {reference}" for problem in told)
    if len({tuple(row) for row in more}) < len(more):
        yield "a reference occurs twice"
    count = Counter(word for row in main for word in set(words(row[0])))
    yield from (f"{word} stands in {times} sentences" for word, times in count.items() if times < 4)


def neighbours(main: Sequence[Row]) -> list[bool]:
    """Return for each row whether one word exchanged, added or left out makes another row of its English sentence."""
    sentences = [row[0] for row in main]
    return text.near(sentences, sentences)


def sizes(main: Sequence[Row], more: Sequence[Row]) -> Table:
    """Return the counts that the README of the corpus and its tests state."""
    lengths = [len(words(row[0])) for row in main]
    share = [f"{sum(low <= n <= high for n in lengths) / len(main):.0%}" for low, high in ((2, 4), (5, 6), (7, 12))]
    french = {token for row in main for token in text.tokenize(row[1], "fra")}
    chinese = {token for row in main for token in text.tokenize(row[2], "zho") if token.isalpha()}
    parts = text.load("eng", "fra")
    held = {"validation": parts.validation, "test": parts.test}
    training = [pair.source for pair in parts.train]
    near = {name: sum(text.near([pair.source for pair in part], training)) for name, part in held.items()}
    several = {name: sum(len(pair.references) > 1 for pair in part) for name, part in held.items()}
    count = Counter(word for row in main for word in set(words(row[0])))
    return Table(
        ["what", "count"],
        [
            ["rows", len(main)],
            ["rows with a neighbour one word away", f"{sum(neighbours(main)) / len(main):.1%}"],
            ["English words, and the sentences that the rarest stands in", f"{len(count)}, {min(count.values())}"],
            ["French tokens", len(french)],
            ["Chinese characters", len(chinese)],
            ["words a sentence, mean", f"{statistics.mean(lengths):.1f}"],
            ["2–4, 5–6, 7–12 words", ", ".join(share)],
            ["extra references, French and Chinese", f"{len(more)}"],
            ["training, validation, test", ", ".join(str(len(p)) for p in (parts.train, parts.validation, parts.test))],
            ["near a training sentence: validation, test", f"{near['validation']}, {near['test']}"],
            ["with several French references: validation, test", f"{several['validation']}, {several['test']}"],
        ],
    )


def main() -> None:
    """Print the sizes and every problem."""
    corpus, more = rows()
    print(sizes(corpus, more))
    found = list(problems(corpus, more))
    print(*found, f"{len(found)} problems", sep="\n")


if __name__ == "__main__":
    main()
