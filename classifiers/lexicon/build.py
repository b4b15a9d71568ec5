"""Fold the public lists into `drugs.tsv.gz`: one line `name<TAB>kind<TAB>flags<TAB>of`.

kind: g substance, b brand, e English name, t Chinese patent medicine, h herb, f herb that is also
food, s supplement or other weak word, c class morpheme (他汀), w class word, x decoy that swallows
a match, p pinyin. flags: n narcotic, p psychotropic, t toxic, a needs a dose or form right after it.
`of`: the substance a brand or pinyin stands for.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from classifiers.lexicon import names
from classifiers.lexicon.review import AMBIGUOUS, DROP

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "guardrail/detectors/data/drugs.tsv.gz"
CONTROLLED = {"麻醉药品": "n", "精神药品": "p", "毒性药品": "t"}
# A later writer of the same name does not overwrite an earlier one of higher rank.
RANK = "xsfhgbetcwp"


@dataclass
class Entry:
    kind: str
    flags: str = ""
    of: str = ""


@dataclass
class Lexicon:
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, name: str, kind: str, of: str = "") -> None:
        name = name.strip().lower()
        if len(name) < 2 or name in DROP:
            return
        old = self.entries.get(name)
        if old is None or RANK.index(kind) < RANK.index(old.kind):
            self.entries[name] = Entry(kind, "", of if of != name else "")

    def flag(self, name: str, mark: str) -> None:
        entry = self.entries.get(name.lower())
        if entry is not None and mark not in entry.flags:
            entry.flags += mark


def rows(path: Path) -> Iterator[dict[str, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def monographs(folder: Path) -> list[dict[str, str]]:
    with gzip.open(folder / "drug_monographs_zh.jsonl.gz", "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def words(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            yield from line.split()


def other_terms(folder: Path) -> frozenset[str]:
    """Names of diseases, symptoms and checks: they are not drugs even where a list says so."""
    found: set[str] = set()
    for name in ("diseases_zh.csv", "symptoms_zh.csv", "checks_zh.csv"):
        found |= {row["name"] for row in rows(folder / name)}
    return frozenset(found)


def listed(folder: Path) -> tuple[Counter[str], frozenset[str]]:
    """Names with the number of their sources (xtea alone does not count), and producer-prefixed ones."""
    counted: Counter[str] = Counter()
    prefixed: set[str] = set()
    for row in rows(folder / "drug_names_zh.csv.gz"):
        sources = row["sources"].split("|")
        if sources == ["xtea/chinese_medical_words"]:
            continue
        if sources == ["honeyandme/RAGQnASystem"]:
            prefixed.add(row["name"])
        else:
            counted[row["name"]] += int(row["n_sources"])
    return counted, frozenset(prefixed)


def add_listed(lexicon: Lexicon, folder: Path, origin: names.Origin) -> None:
    counted, prefixed = listed(folder)
    known = frozenset(names.full(name) for name in counted)
    makers = names.producers(known, prefixed)
    tails = {names.without_producer(name, makers) for name in prefixed}
    stop = other_terms(folder)
    for name in [*counted, *(tail for tail in tails if names.has_form(tail))]:
        whole = names.full(name)
        if whole in stop:
            continue
        if not names.HAN.match(whole):
            add_latin(lexicon, whole)
        elif names.has_form(whole):
            add_product(lexicon, whole, origin, stop)
        elif len(whole) >= 3:
            lexicon.add(whole, "g" if origin.western(whole) else "t")


def add_noisy(lexicon: Lexicon, folder: Path, origin: names.Origin) -> None:
    """From the noisy list only what its own form words prove: products, and substances that it
    lists both with and without a form."""
    stop = other_terms(folder)
    noisy = {
        row["name"]
        for row in rows(folder / "drug_names_zh.csv.gz")
        if row["sources"] == "xtea/chinese_medical_words" and names.HAN.match(row["name"])
    } - stop
    for name in noisy:
        substance = names.stem(name)
        if names.is_product(name) and len(name) <= 12:
            if not origin.western(substance):
                lexicon.add(name, "t")
            elif _substantial(substance, noisy) and not names.has_form(substance):
                lexicon.add(names.desalted(substance), "g")


def _substantial(substance: str, listed: set[str]) -> bool:
    return len(substance) >= 4 or (len(substance) == 3 and substance in listed)


def add_latin(lexicon: Lexicon, name: str) -> None:
    if name.isascii() and len(name) >= 5 and name.isalpha():
        lexicon.add(name, "e")


def add_product(lexicon: Lexicon, name: str, origin: names.Origin, stop: frozenset[str]) -> None:
    substance = names.stem(name)
    salted = name != "注射用" + substance and names.SALT_HEAD.match(name.removeprefix("注射用"))
    if salted or origin.western(substance):
        for part in {substance, names.desalted(substance), names.bare(name)} - stop:
            if len(part) >= 3 and not names.has_form(part):
                lexicon.add(part, "g")
    elif len(name) >= 4:
        lexicon.add(name, "t")


def add_monographs(lexicon: Lexicon, folder: Path) -> names.Origin:
    pages = monographs(folder)
    chinese = [p["name"] for p in pages if "中成药" in p.get("药品类型", "")]
    western = [p["name"] for p in pages if "中成药" not in p.get("药品类型", "")]
    for page in pages:
        kind = "t" if "中成药" in page.get("药品类型", "") else "g"
        others = (page.get("别名") or "").replace("；", ";").split(";")
        for name in [page["name"], *others]:
            whole = names.full(name)
            if names.HAN.match(whole):
                if len(whole) >= 3:
                    lexicon.add(whole, kind)
            else:
                add_latin(lexicon, whole)
        add_latin(lexicon, (page.get("英文名") or "").strip())
    return names.Origin(map(names.stem, western), map(names.stem, chinese))


def add_brands(lexicon: Lexicon, folder: Path) -> None:
    for row in rows(folder / "drug_brand_generic_imported.csv"):
        brand, generic = names.full(row["trade_name"]), names.stem(row["generic_name"])
        if names.HAN.match(generic) and len(generic) >= 3 and not names.has_form(generic):
            lexicon.add(generic, "g")
        if names.HAN.match(brand) and len(brand) >= 2:
            lexicon.add(brand, "b", generic)
        elif brand.isascii() and brand.isalpha() and len(brand) >= 4:
            lexicon.add(brand, "e", generic)


def add_by_hand(lexicon: Lexicon) -> None:
    for word in words(HERE / "herbs.txt"):
        bare = word.removeprefix("*")
        lexicon.entries[bare] = Entry("f" if word != bare else "h")
    for word in words(HERE / "english.txt"):
        bare = word.removeprefix("*")
        lexicon.entries[bare] = Entry("s" if word != bare else "e")
    for line in (HERE / "extra_zh.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, kind = line.rsplit(" ", 1)
            lexicon.entries[name.lower()] = Entry(kind)


def add_controlled(lexicon: Lexicon, folder: Path) -> None:
    for row in rows(folder / "controlled_substances_cn.csv"):
        mark = CONTROLLED.get(row["category"])
        name = names.full(row["name_zh"])
        if mark is None or len(name) < 2:
            continue
        if names.stem(name) == name and not name.startswith("含"):
            lexicon.add(name, "g")
        for known in [
            n for n, e in lexicon.entries.items() if name in (n, e.of) or n.endswith(name)
        ]:
            lexicon.flag(known, mark)


def add_pinyin(lexicon: Lexicon) -> None:
    from pypinyin import lazy_pinyin

    for name in [n for n, e in lexicon.entries.items() if e.kind in "gb" and names.HAN.match(n)]:
        spelled = "".join(lazy_pinyin(name))
        if 3 <= len(name) <= 6 and len(spelled) >= 8 and spelled.isascii():
            lexicon.add(spelled, "p", name)


def build(folder: Path) -> Lexicon:
    lexicon = Lexicon()
    origin = add_monographs(lexicon, folder)
    add_listed(lexicon, folder, origin)
    add_noisy(lexicon, folder, origin)
    add_brands(lexicon, folder)
    add_by_hand(lexicon)
    add_controlled(lexicon, folder)
    add_pinyin(lexicon)
    for name, entry in lexicon.entries.items():
        if name in AMBIGUOUS or (entry.kind == "b" and len(name) == 2 and name != "达菲"):
            lexicon.flag(name, "a")
    return lexicon


def write(lexicon: Lexicon, target: Path) -> None:
    lines = [f"{n}\t{e.kind}\t{e.flags}\t{e.of}\n" for n, e in sorted(lexicon.entries.items())]
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write("".join(lines).encode())


def main(argv: list[str]) -> int:
    if len(argv) != 2:
        print("usage: python -m classifiers.lexicon.build FOLDER")
        return 2
    lexicon = build(Path(argv[1]))
    write(lexicon, TARGET)
    kinds = Counter(entry.kind for entry in lexicon.entries.values())
    print(f"{len(lexicon.entries)} names, {TARGET.stat().st_size} bytes", dict(kinds))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
