"""guardrail: an OpenAI-compatible proxy that guards a clinical LLM.

Start reading at `guardrail.guard.session` (the heart) and follow the corridor of `docs/en/architecture.md`.
Only the version is public here; everything else is imported from the room it lives in.
"""

__version__ = "0.1.0"
