"""`python -m guardrail`: the same as the command `guardrail`."""

from guardrail.cli import main

if __name__ == "__main__":
    main()
