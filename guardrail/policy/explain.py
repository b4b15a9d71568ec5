"""A rule in plain words, for people who do not read YAML: when it fires, what happens, why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from guardrail.domain.taxonomy import taxonomy
from guardrail.policy import check
from guardrail.policy.compile import language
from guardrail.policy.schema import (
    PolicyEntry,
    ProfileEntry,
    ReferenceEntry,
    RuleEntry,
    ScopeEntry,
    Words,
)

LANGUAGES = ("zh", "en")

_WORDS: dict[str, tuple[str, str]] = {
    "where": ("适用范围", "Applies to"),
    "fires": ("触发条件", "Fires when"),
    "does": ("处置", "What happens"),
    "gap": ("未能检测时", "If nobody could look"),
    "evidence": ("依据", "Why"),
    "reply": ("告知用语", "The person reads"),
    "references": ("法规条文", "References"),
    "mode": ("运行方式", "Mode"),
    "hold": ("放行方式", "Held back"),
    "tiers": ("分级复核", "Who must look"),
    "restore": ("占位符", "Placeholders"),
    "everywhere": ("所有场景和文本", "everything"),
    "scenes": ("场景", "scene"),
    "sides": ("方向", "side"),
    "audiences": ("读者", "reader"),
    "tenants": ("机构", "tenant"),
    "purposes": ("用途", "purpose"),
    "speakers": ("发言者", "speaker"),
    "input": ("提问", "question"),
    "output": ("回答", "answer"),
    "clinician": ("医务人员", "clinician"),
    "patient": ("患者", "patient"),
    "system": ("系统提示", "system prompt"),
    "user": ("用户", "user"),
    "assistant": ("模型", "model"),
    "tool": ("工具结果", "tool result"),
    "allow": ("放行", "let through"),
    "annotate": ("放行并附提示", "let through with a notice"),
    "redact": ("遮盖后放行", "mask, then let through"),
    "handover": ("扣下并转医务人员", "withhold and hand over to a person"),
    "block": ("拦截", "block"),
    "default": (
        "回答侧和A类场景拦截，其余附提示",
        "block answers and scene A, otherwise add a notice",
    ),
    "enforce": ("生效", "enforced"),
    "shadow": ("试运行，只记录不处置", "on trial: recorded, not acted on"),
    "off": ("停用", "off"),
    "sentence": ("逐句检查后放行", "released sentence by sentence"),
    "full": ("全文检查完才放行", "released only when all of it was judged"),
    "always": ("每个回答都按置信度分级", "every answer is tiered by confidence"),
    "on_handover": ("仅在转人工时按置信度分级", "only what is handed over is tiered"),
    "never": ("不分级，转人工一律接管", "never tiered; a handover is a takeover"),
    "read": ("已核对原文", "text was read"),
    "unread": ("未核对", "not checked"),
    "locked": ("，锁定：机构不能改动", "; locked: no tenant can change it"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A title and, under short headings, lines of words."""

    name: str
    title: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]


def explain_rule(entry: PolicyEntry, rule: RuleEntry, lang: str) -> Explanation:
    """One rule of a file in `lang` (zh or en)."""
    references = (*rule.references, *entry.references)
    reply = rule.reply or entry.reply
    parts = [
        ("where", _where((entry.scope, rule.scope), lang)),
        ("fires", tuple(_fires(rule, lang))),
        ("does", (_word(rule.action, lang),)),
        ("gap", (_word(rule.on_gap, lang),)),
        ("mode", (_mode(entry, lang),)),
        ("evidence", (_said(rule.evidence, lang),) if rule.evidence else ()),
        ("reply", (_said(reply, lang),) if reply else ()),
        ("references", tuple(_reference(each, lang) for each in references)),
    ]
    title = _said(rule.title or entry.title, lang)
    return Explanation(rule.id, title, _labelled(parts, lang))


def explain_profile(entry: PolicyEntry, profile: ProfileEntry, lang: str) -> Explanation:
    """The profile of a scene in `lang`."""
    hold, tiers = profile.hold, profile.tiers
    parts = [
        ("where", _where((ScopeEntry(scenes=(profile.scene,)), entry.scope), lang)),
        ("hold", (f"{_word(hold.mode, lang)} (≤ {hold.max_chars})",)),
        (
            "tiers",
            (
                _word(tiers.when, lang),
                f"CONFIRM ≥ {tiers.confirm:.0%}, DIFFERENTIAL ≥ {tiers.differential:.0%}, "
                f"TAKEOVER < {tiers.differential:.0%} / unknown",
            ),
        ),
        ("restore", (_restored(lang, profile),)),
        ("mode", (_mode(entry, lang),)),
        ("references", tuple(_reference(each, lang) for each in entry.references)),
    ]
    return Explanation(entry.id, _said(entry.title, lang), _labelled(parts, lang))


def explain_policy(entry: PolicyEntry, lang: str) -> Iterator[Explanation]:
    """All that a file says."""
    if entry.profile is not None:
        yield explain_profile(entry, entry.profile, lang)
    for rule in entry.rules:
        yield explain_rule(entry, rule, lang)


def _word(key: str, lang: str) -> str:
    return _WORDS[key][LANGUAGES.index(lang)]


def _said(words: Words, lang: str) -> str:
    return words.zh if lang == "zh" else words.en


def _labelled(
    parts: Iterable[tuple[str, tuple[str, ...]]], lang: str
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((_word(key, lang), lines) for key, lines in parts if lines)


def _where(scopes: Iterable[ScopeEntry], lang: str) -> tuple[str, ...]:
    lines = []
    for scope in scopes:
        for key in ScopeEntry.model_fields:
            values = getattr(scope, key)
            if values:
                named = [_word(v, lang) if v in _WORDS else str(v) for v in values]
                lines.append(f"{_word(key, lang)}: {', '.join(named)}")
    return tuple(lines) or (_word("everywhere", lang),)


def _fires(rule: RuleEntry, lang: str) -> Iterator[str]:
    names = taxonomy()
    if rule.find:
        kinds = sorted(check.expand(rule.find, names.finding_kinds))
        listed = ", ".join(f"{names.label(kind, lang)} ({kind})" for kind in kinds)
        yield f"{listed} ≥ {rule.at_least:g}"
    if rule.when is not None:
        yield rule.when
        for key in sorted(language().compile(rule.when).scores):
            yield f"{key}: {names.label(key, lang)}"


def _mode(entry: PolicyEntry, lang: str) -> str:
    until = f" (→ {entry.expires})" if entry.expires else ""
    return _word(entry.mode, lang) + until + (_word("locked", lang) if entry.locked else "")


def _restored(lang: str, profile: ProfileEntry) -> str:
    words = {
        True: ("还原为提问者自己的内容", "turned back into the caller's own words"),
        False: ("保持遮盖", "stay masked"),
    }
    return words[profile.restore][LANGUAGES.index(lang)]


def _reference(entry: ReferenceEntry, lang: str) -> str:
    mark = _word("read" if entry.verified else "unread", lang)
    return f"{entry.instrument} {entry.article}".strip() + f" [{mark}]"
