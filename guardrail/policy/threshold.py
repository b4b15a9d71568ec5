"""Every threshold of a policy moved a little, to see whether its cases notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guardrail.policy.compile import language
from guardrail.policy.evaluate import Placement, Policy, PolicySet, Rule

STEP = 0.01


def moves(policies: PolicySet) -> Iterator[tuple[str, PolicySet]]:
    """For each number in `at_least`, `when`, `confirm` and `differential`: words for the move
    ("rx.order: at_least 0.5 -> 0.51") and its policy alone, with that one number moved."""
    for policy in policies.policies:
        for by in (STEP, -STEP):
            for what, moved in _moved(policy, by):
                yield what, PolicySet((moved,), policies.digest, language())


def _moved(policy: Policy, by: float) -> Iterator[tuple[str, Policy]]:
    for index, rule in enumerate(policy.rules):
        for what, moved in _moved_rule(rule, by):
            rules = (*policy.rules[:index], moved, *policy.rules[index + 1 :])
            yield f"{rule.id}: {what}", replace(policy, rules=rules)
    if policy.placement is not None:
        for what, placement in _moved_placement(policy.placement, by):
            yield f"{policy.id}: {what}", replace(policy, placement=placement)


def _moved_rule(rule: Rule, by: float) -> Iterator[tuple[str, Rule]]:
    if rule.at_least > 0.0:
        to = round(rule.at_least + by, 9)
        yield f"at_least {rule.at_least} -> {to}", replace(rule, at_least=to)
    if rule.when is not None:
        for threshold in rule.when.thresholds:
            to = round(threshold.value + by, 9)
            moved = language().moved(rule.when, threshold, by)
            yield f"when {threshold.value} -> {to}", replace(rule, when=moved)


def _moved_placement(placement: Placement, by: float) -> Iterator[tuple[str, Placement]]:
    tiers = placement.profile.tiers
    up = replace(tiers, confirm=round(tiers.confirm + by, 9))
    out = replace(tiers, differential=round(tiers.differential + by, 9))
    for name, old, new, moved in (
        ("confirm", tiers.confirm, up.confirm, up),
        ("differential", tiers.differential, out.differential, out),
    ):
        profile = replace(placement.profile, tiers=moved)
        yield f"{name} {old} -> {new}", replace(placement, profile=profile)
