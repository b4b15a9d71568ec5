"""Addresses on the net: e-mail, IP, links to a person's own page. Pure logic, linear time."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from guardrail.detectors.phi_hit import Hit, before

_LOCAL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-'")
_LOCAL_CHARS = 64
_AT = re.compile(
    r"@|\s?[(（\[{【](?:at|AT|艾特|爱特|a)[)）\]}】]\s?|(?<=[0-9A-Za-z]) at (?=[0-9A-Za-z\-]+(?: dot |\.)[a-z])"
)
_DOMAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})(?:(?:\.|\s?[(（\[{](?:dot|点)[)）\]}]\s?| dot |点)[A-Za-z0-9\-]{1,63}){1,5}"
)
_IP4 = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9])")
_IP6 = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z:])")
_IP_WORDS = re.compile(r"\bip|地址|登录|访问|address|host|server")
_NOT_IP = re.compile(r"版本|章|节|条|(?:^|[^a-z])v(?:er(?:sion)?)?\.?\s?$|软件|oid|uid")
_PAGE = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?(?:"
    r"weibo\.(?:com|cn)/(?:u/|n/)?[\w\-]{3,40}|zhihu\.com/people/[\w\-]{1,60}|space\.bilibili\.com/[0-9]{1,20}"
    r"|douyin\.com/user/[\w\-]{1,80}|user\.qzone\.qq\.com/[0-9]{5,12}|douban\.com/people/[\w\-]{1,40}"
    r"|xiaohongshu\.com/user/profile/\w{1,40}|linkedin\.com/in/[\w\-%]{2,80}|facebook\.com/[\w.\-]{3,60}"
    r"|(?:twitter|x)\.com/\w{2,30}|instagram\.com/[\w.]{2,40}|t\.me/\w{3,40}|github\.com/[\w\-]{1,40}"
    r")"
)
_IDENTIFYING = re.compile(
    r"https?://[^\s\u4e00-\u9fff，。、；）]{1,200}?[?&](?:patient|pid|mrn|uid|user|userid|openid|token|idcard|phone|mobile|name|email)"
    r"[\w]{0,12}=[^\s\u4e00-\u9fff，。、；）]{1,200}",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?i:my (?:web)?site|my blog|my homepage)[^\n。]{0,12}?(https?://\S{3,200})|(?:我的|个人)(?:网站|主页|博客|网址)[^\n。]{0,4}?(https?://[^\s，。]{3,200})"
)


def emails(text: str) -> Iterator[Hit]:
    """E-mail addresses, `(at)` and `dot` spellings included; Chinese beside them is not swallowed."""
    for match in _AT.finditer(text):
        domain = _DOMAIN.match(text, match.end())
        start = match.start()
        while start > 0 and match.start() - start < _LOCAL_CHARS and text[start - 1] in _LOCAL:
            start -= 1
        if domain and start < match.start():
            yield Hit("phi.email", start, domain.end(), 0.97 if match.group() == "@" else 0.8)


def ips(text: str) -> Iterator[Hit]:
    """Addresses of IP version 4 and 6; version and section numbers are left alone."""
    for pattern in (_IP4, _IP6):
        for match in pattern.finditer(text):
            if _is_somebodys(match.group(), before(text, match.start(), 12)):
                yield Hit("phi.ip", *match.span(), 0.9)


def pages(text: str) -> Iterator[Hit]:
    """Links to a person's own page, or that carry an identifier; links to literature stay."""
    for pattern in (_PAGE, _IDENTIFYING):
        for match in pattern.finditer(text):
            yield Hit("phi.url", *match.span(), 0.8)
    for match in _OWN.finditer(text):
        yield Hit("phi.url", *match.span(match.lastindex or 0), 0.8)


def _is_somebodys(run: str, lead: str) -> bool:
    if _NOT_IP.search(lead):
        return False
    try:
        address = ipaddress.ip_address(run)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return False
    # A short run of figures is more often a size or a section than an address.
    return len(run) >= 11 or address.is_private or _IP_WORDS.search(lead) is not None


RULES: tuple[tuple[str, Callable[[str], Iterator[Hit]]], ...] = (
    (r"@|[(（\[{【](?:at|AT|艾特|爱特|a)[)）\]}】]|[0-9A-Za-z] at [0-9A-Za-z]", emails),
    (
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}",
        ips,
    ),
    (r"(?i:https?://|\.com/|\.cn/|\bt\.me/)", pages),
)
"""What must occur in a text for a rule to be worth running (RE2), and the rule."""
