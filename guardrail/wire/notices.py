"""What the caller reads when policy acts: the notice, the answer's headers, the `guardrail` object.

Written from the verdict alone, never by a model. A patient's view has no scores and no findings.
"""

from __future__ import annotations

import re

from guardrail.domain.exchange import Audience, Exchange, Speaker
from guardrail.domain.finding import Finding
from guardrail.domain.verdict import Action, Reason, Reply, Tier, Verdict

_ACTED: dict[Action, Reply] = {
    Action.ALLOW: Reply("本次回答未作改动。", "This answer was not changed."),
    Action.ANNOTATE: Reply("本次回答附有安全提示。", "A safety note was added to this answer."),
    Action.REDACT: Reply(
        "为保护隐私和安全，部分内容已隐去。",
        "Parts of the text were removed to protect privacy and safety.",
    ),
    Action.HANDOVER: Reply(
        "这条回答需要医生核对，已转交医生处理，暂不显示。",
        "This answer needs a doctor's review. It has been handed over and is not shown yet.",
    ),
    Action.BLOCK: Reply(
        "这次请求或回答不符合医疗安全规定，内容未予显示。",
        "This request or answer does not meet the medical safety rules and is not shown.",
    ),
}
_UNSEEN = Reply(
    "这次内容未能完成安全检查，因此没有显示，并不表示内容有问题。请稍后再试，或把较长的文字分成几段发送。",
    "This could not be checked completely and is therefore not shown; nothing wrong was found in it. "
    "Please try again in a moment, or send a long text in several pieces.",
)
_CASE = Reply(
    "工单号：{case}。医生处理后可凭此号查看结果。",
    "Case {case}. Use this number to see the doctor's decision.",
)
_CRISIS = Reply(
    "如果您或身边的人有伤害自己的想法，请不要独处，立即拨打全国统一心理援助热线12356；"
    "有生命危险时请拨打120或110。",
    "If you or someone near you thinks of self-harm, stay with someone and call the psychological "
    "support line 12356 (mainland China) or your local crisis line; if life is in danger call 120, "
    "110 or your local emergency number.",
)
_EMERGENCY = Reply(
    "如有胸痛、呼吸困难、意识不清、抽搐、大出血等情况，请立即拨打120或前往最近的急诊科。",
    "With chest pain, trouble breathing, confusion, seizures or heavy bleeding call 120 or your "
    "local emergency number, or go to the nearest emergency department now.",
)
_MACHINE = Reply(
    "本提示由安全系统自动生成，不是医生的诊断或处方。",
    "This notice was written by an automatic safety system; it is not a doctor's diagnosis or prescription.",
)
_MOST_REPLIES = 3

_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_JUDGED_CHARS = 4000


def notice(verdict: Verdict, case: str | None, lang: str) -> str:
    """The notice in `lang` (zh or en): what happened and why, where to get help, the case."""
    lines = list(dict.fromkeys(_said(verdict, lang)))[:_MOST_REPLIES]
    if not lines:
        unseen = verdict.action is Action.BLOCK and any(map(_unseen, _strictest(verdict)))
        lines = [_in(_UNSEEN if unseen else _ACTED[verdict.action], lang)]
    kinds = {finding.kind for reason in _acting(verdict) for finding in reason.findings}
    if any(kind.split(".")[0] == "self_harm" for kind in kinds):
        lines.append(_in(_CRISIS, lang))
    if any(kind.split(".")[0] == "red_flag" for kind in kinds):
        lines.append(_in(_EMERGENCY, lang))
    if case is not None:
        lines.append(_in(_CASE, lang).format(case=case))
    lines.append(_in(_MACHINE, lang))
    return "\n".join(lines)


def language(exchange: Exchange) -> str:
    """The language of the last thing the user said: "zh" or "en". A Chinese character counts as
    much as a word; zh where it cannot be told."""
    said = [
        turn.text
        for turn in exchange.turns
        if turn.speaker is Speaker.USER and turn.path[:1] in {("messages",), ("input",), ()}
    ]
    text = said[-1][:_JUDGED_CHARS] if said else ""
    chinese, words = len(_CJK.findall(text)), len(_WORD.findall(text))
    return "en" if chinese * 3 < words else "zh"


def headers(exchange: Exchange, verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """The answer's own headers: exchange, action, tier (`none` where nobody has to look), policy."""
    return [
        (b"x-guardrail-exchange", _ascii(exchange.id)),
        (b"x-guardrail-action", _ascii(_word(verdict.action))),
        (b"x-guardrail-tier", _ascii(_word(verdict.tier) or "none")),
        (b"x-guardrail-policy", _ascii(verdict.policy_digest)),
    ]


def extension(exchange: Exchange, verdict: Verdict, case: str | None) -> dict[str, object]:
    """The `guardrail` object of an answer's body."""
    clinician = exchange.caller.audience is Audience.CLINICIAN
    confidence = verdict.confidence.value if verdict.confidence else None
    return {
        "exchange": exchange.id,
        "action": _word(verdict.action),
        "tier": _word(verdict.tier),
        "case": case,
        "policy": verdict.policy_digest,
        "rules": [_rule(reason, clinician=clinician) for reason in _acting(verdict)],
        "confidence": confidence if clinician else None,
        "notes": list(verdict.notes),
    }


def _rule(reason: Reason, *, clinician: bool) -> dict[str, object]:
    rule: dict[str, object] = {
        "id": reason.rule,
        "severity": reason.severity.value,
        "action": _word(reason.action),
    }
    if clinician:
        rule["findings"] = [_finding(finding) for finding in reason.findings]
        rule["gaps"] = [{"detector": g.detector, "reason": g.reason.value} for g in reason.gaps]
    return rule


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind,
        "dimension": finding.dimension,
        "score": round(finding.score, 4),
        "detector": finding.detector,
    }


def _acting(verdict: Verdict) -> list[Reason]:
    """Reasons that count: a policy in shadow mode changes nothing a person reads."""
    return [reason for reason in verdict.reasons if not reason.shadow]


def _strictest(verdict: Verdict) -> list[Reason]:
    return [reason for reason in _acting(verdict) if reason.action is verdict.action]


def _said(verdict: Verdict, lang: str) -> list[str]:
    """What the strictest rules have to say. A rule that only could not look accuses nobody."""
    return [
        _in(reason.reply, lang)
        for reason in _strictest(verdict)
        if reason.reply is not None and not _unseen(reason)
    ]


def _unseen(reason: Reason) -> bool:
    return bool(reason.gaps) and not reason.findings


def _in(reply: Reply, lang: str) -> str:
    return reply.zh if lang == "zh" else reply.en


def _word(level: Action | Tier | None) -> str | None:
    return None if level is None else level.name.lower()


def _ascii(text: str | None) -> bytes:
    """A header's value: never a line break or a byte that a proxy would choke on."""
    return re.sub(r"[^!-~]", "_", text or "").encode()
