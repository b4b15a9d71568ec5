"""The four errors, named by who must act. Anything else that is raised is a bug."""

from __future__ import annotations


class GuardrailError(Exception):
    """Common shape: a stable code, a message for people, and what to do about it.

    None of the three may contain patient text: they reach logs and callers.
    """

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.code = code
        self.message = message
        self.remedy = remedy


class BadRequest(GuardrailError):
    """The caller must act: what was sent cannot be served (HTTP 4xx)."""

    def __init__(self, code: str, message: str, remedy: str = "", param: str | None = None) -> None:
        super().__init__(code, message, remedy)
        self.param = param


class UpstreamFailed(GuardrailError):
    """The LLM behind us must act: it is down, late or talks nonsense (HTTP 502/504)."""


class BadConfig(GuardrailError):
    """The operator must act: we do not start. `where` is `file:line:column` when known."""

    def __init__(self, code: str, message: str, remedy: str = "", where: str = "") -> None:
        super().__init__(code, f"{where}: {message}" if where else message, remedy)
        self.where = where


class BrokenLedger(GuardrailError):
    """The auditor must act: the record does not verify. `index` is the first bad entry."""

    def __init__(self, code: str, message: str, remedy: str = "", index: int | None = None) -> None:
        super().__init__(code, message, remedy)
        self.index = index
