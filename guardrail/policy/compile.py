"""Policy files -> `PolicySet`. All complaints of all files are collected and raised as one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import guardrail
from guardrail.domain.errors import BadConfig
from guardrail.domain.taxonomy import taxonomy
from guardrail.domain.verdict import Action, Reference, Reply
from guardrail.policy import check
from guardrail.policy.check import Complaint
from guardrail.policy.evaluate import (
    Hold,
    HoldMode,
    Placement,
    Policy,
    PolicySet,
    Profile,
    Reach,
    Rule,
    Tiers,
    TierWhen,
)
from guardrail.policy.expression import Expression, ExpressionError, Language
from guardrail.policy.schema import PolicyEntry, ReferenceEntry, RuleEntry, ScopeEntry, Words
from guardrail.policy.source import CODE, BadPolicy, Source, parse

CASES = ".cases.yaml"


@cache
def language() -> Language:
    """The language of conditions over the shipped taxonomy."""
    return Language(taxonomy().score_keys)


def load(paths: Path | Sequence[Path], today: date | None = None) -> PolicySet:
    """Read and compile files, or all `*.yaml` of folders (cases aside). A shadow policy whose
    `expires` lies before `today` is enforced. Raises `BadConfig`."""
    return compile_texts({str(path): read_text(path) for path in policy_files(paths)}, today)


def read_text(path: Path) -> str:
    """The text of one file. Raises `BadConfig` when it cannot be read."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise BadConfig(CODE, f"cannot read it: {reason}", where=str(path)) from None


def policy_files(paths: Path | Sequence[Path]) -> list[Path]:
    """The policy files that these files and folders hold. Raises `BadConfig` when there is none."""
    found: list[Path] = []
    for path in (paths,) if isinstance(paths, Path) else paths:
        found += _inside(path) if path.is_dir() else [path]
    found = [path for path in found if not path.name.endswith(CASES)]
    if not found:
        remedy = "Name a folder with policies."
        raise BadConfig(CODE, "no policy file there", remedy, str(paths))
    return found


def _inside(folder: Path) -> list[Path]:
    """YAML files below a folder. Names with a leading dot are passed by: a mounted ConfigMap
    holds every file twice, once in a hidden folder."""
    found = sorted(folder.rglob("*.yaml"))
    return [
        path for path in found if not any(p.startswith(".") for p in path.relative_to(folder).parts)
    ]


def shipped_folder() -> Path:
    """The policies that come with the product: inside an installed package, or beside it in a
    working copy."""
    package = Path(guardrail.__file__).parent
    inside = package / "policies"
    return inside if inside.is_dir() else package.parent / "policies"


def compile_texts(texts: Mapping[str, str], today: date | None = None) -> PolicySet:
    """Compile texts by file name. Raises `BadPolicy` with every complaint there is."""
    wrong: list[BadConfig] = []
    sources: list[Source] = []
    for name, text in texts.items():
        try:
            sources.append(parse(text, name))
        except BadPolicy as error:
            wrong += error.complaints
    policies = [_policy(source, today, wrong) for source in sources]
    wrong += _clashes(sources)
    if wrong:
        raise BadPolicy(wrong)
    return PolicySet(policies, _digest(sources), language())


def _clashes(sources: Sequence[Source]) -> Iterator[BadConfig]:
    """Names used by two files. A locked one in particular cannot be taken over."""
    policies: dict[str, Source] = {}
    rules: dict[str, Source] = {}
    for source in sorted(sources, key=lambda source: not source.entry.locked):
        entry = source.entry
        taken = policies.setdefault(entry.id, source)
        if taken is not source:
            yield source.complaint(_taken(("id",), f"policy '{entry.id}'", taken))
        for index, rule in enumerate(entry.rules):
            taken = rules.setdefault(rule.id, source)
            if taken is not source:
                path = ("rules", index, "id")
                yield source.complaint(_taken(path, f"rule '{rule.id}'", taken))


def _taken(path: check.Path, what: str, by: Source) -> Complaint:
    if by.entry.locked:
        message = f"{what} is locked in {by.document.name} and cannot be replaced"
        return Complaint(path, message, "Choose another id; rules of a tenant can only add.")
    return Complaint(path, f"{what} exists already in {by.document.name}", "Rename one of them.")


def _digest(sources: Iterable[Source]) -> str:
    """SHA-256 over what the files say: comments, layout and file names do not count."""
    by_id = {source.entry.id: source.document.data for source in sources}
    canonical = json.dumps(by_id, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _policy(source: Source, today: date | None, wrong: list[BadConfig]) -> Policy:
    entry = source.entry
    if entry.mode == "off":
        return Policy(entry.id, entry.version, entry.locked)
    rules = []
    for index, rule in enumerate(entry.rules):
        try:
            when = _condition(source, index)
        except BadPolicy as error:
            wrong += error.complaints
        else:
            rules.append(_rule(entry, rule, when, shadow=_shadow(entry, today)))
    return Policy(entry.id, entry.version, entry.locked, tuple(rules), _placement(entry))


def _shadow(entry: PolicyEntry, today: date | None) -> bool:
    over = today is not None and entry.expires is not None and entry.expires < today
    return entry.mode == "shadow" and not over


def _condition(source: Source, index: int) -> Expression | None:
    text = source.entry.rules[index].when
    if text is None:
        return None
    path = ("rules", index, "when")
    try:
        expression = language().compile(text)
    except ExpressionError as error:
        where = _within(source, path, text, error.line, error.column)
        remedy = _name_remedy(error.message)
        raise BadPolicy([BadConfig(CODE, error.message, remedy, where)]) from None
    _check_lookups(source, path, expression)
    return expression


def _check_lookups(source: Source, path: check.Path, expression: Expression) -> None:
    known = taxonomy().finding_kinds
    wrong = []
    for kind, offset in expression.lookups:
        if kind not in known:
            line = expression.text.count("\n", 0, offset) + 1
            column = offset - (expression.text.rfind("\n", 0, offset) + 1) + 1
            where = _within(source, path, expression.text, line, column)
            remedy = check.did_you_mean(kind, known)
            wrong.append(BadConfig(CODE, f"no finding is called '{kind}'", remedy, where))
    if wrong:
        raise BadPolicy(wrong)


def _name_remedy(message: str) -> str:
    unknown = message.partition("undeclared reference to '")[2].rstrip("'")
    return check.did_you_mean(unknown, language().names) if unknown else ""


def _within(source: Source, path: check.Path, text: str, line: int, column: int) -> str:
    """The place in the file of a place in a condition: conditions are written plain, quoted or
    as blocks, so the condition's own line is looked for from its key on."""
    where = source.document.where(path)
    wanted = text.splitlines()[line - 1]
    start = int(where.split(":")[-2])
    for number, found in enumerate(source.text.splitlines()[start - 1 :], start):
        at = found.find(wanted)
        if at >= 0:
            return f"{source.document.name}:{number}:{at + column}"
    return where


def _rule(entry: PolicyEntry, rule: RuleEntry, when: Expression | None, *, shadow: bool) -> Rule:
    kinds = taxonomy().finding_kinds
    find = check.expand(rule.find, kinds)
    used = find | (_read_by(when, kinds) if when else frozenset())
    reply = rule.reply or entry.reply
    return Rule(
        id=rule.id,
        policy=entry.id,
        severity=rule.severity,
        action=Action[rule.action.upper()],
        reaches=(_reach(entry.scope), _reach(rule.scope)),
        find=find,
        at_least=rule.at_least,
        when=when,
        on_gap=None if rule.on_gap == "default" else Action[rule.on_gap.upper()],
        used=used,
        needs=used if rule.needs is None else check.expand(rule.needs, kinds),
        shadow=shadow,
        references=tuple(_reference(each) for each in (*rule.references, *entry.references)),
        reply=_reply(reply) if reply else None,
    )


def _read_by(when: Expression, kinds: frozenset[str]) -> frozenset[str]:
    return when.scores | {kind for kind, _ in when.lookups} | (kinds if when.scans else set())


def _placement(entry: PolicyEntry) -> Placement | None:
    if entry.profile is None:
        return None
    given = entry.profile
    profile = Profile(
        Hold(HoldMode(given.hold.mode), given.hold.max_chars),
        Tiers(
            TierWhen[given.tiers.when.upper()],
            given.tiers.confirm,
            given.tiers.differential,
            given.tiers.proof == "required",
        ),
        given.restore,
        given.ask_logprobs,
    )
    return Placement(given.scene, frozenset(entry.scope.tenants), profile)


def _reach(scope: ScopeEntry) -> Reach:
    return Reach(
        scenes=frozenset(scope.scenes),
        sides=frozenset(scope.sides),
        audiences=frozenset(scope.audiences),
        tenants=frozenset(scope.tenants),
        purposes=frozenset(scope.purposes),
        speakers=frozenset(scope.speakers),
    )


def _reference(entry: ReferenceEntry) -> Reference:
    return Reference(entry.instrument, entry.article, entry.verified)


def _reply(words: Words) -> Reply:
    return Reply(words.zh, words.en)
