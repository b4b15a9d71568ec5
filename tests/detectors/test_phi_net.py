from __future__ import annotations

import pytest

from guardrail.detectors import phi_net


def _found(text: str) -> list[tuple[str, str]]:
    return [
        (hit.kind[4:], text[hit.start : hit.end]) for _, rule in phi_net.RULES for hit in rule(text)
    ]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("邮箱zhang.san@example.com，", "email", "zhang.san@example.com"),
        ("write to o'neil+x@mail.example.org.", "email", "o'neil+x@mail.example.org"),
        ("zhang(at)example(dot)com", "email", "zhang(at)example(dot)com"),
        ("zhang at example dot com", "email", "zhang at example dot com"),
        ("地址192.168.1.10。", "ip", "192.168.1.10"),
        ("来自203.104.55.61的登录", "ip", "203.104.55.61"),
        ("IP 8.8.4.4", "ip", "8.8.4.4"),
        ("IPv6 2001:db8:0:1:1:1:1:1 ok", "ip", "2001:db8:0:1:1:1:1:1"),
        ("看 https://weibo.com/u/1234567890", "url", "https://weibo.com/u/1234567890"),
        ("linkedin.com/in/someone-x", "url", "linkedin.com/in/someone-x"),
        (
            "https://h.example/r?patient_id=42&x=1 。",
            "url",
            "https://h.example/r?patient_id=42&x=1",
        ),
        ("My website is https://made-up.example/", "url", "https://made-up.example/"),
        ("我的博客：https://made-up.example/b", "url", "https://made-up.example/b"),
    ],
)
def test_addresses_on_the_net(text: str, kind: str, value: str) -> None:
    assert (kind, value) in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "@ 每日 @8pm，look at home dot",
        "软件版本 10.20.30.40，见第1.2.3.4节，囊肿5.64.52.9",
        "127.0.0.1 and 0.0.0.0 and 300.1.1.1, 12:30:45, 1:2:3",
        "参见 https://www.who.int/news 与 https://pubmed.example/?term=asthma",
    ],
)
def test_literature_versions_and_times_stay(text: str) -> None:
    assert _found(text) == []
