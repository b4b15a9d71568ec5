"""`guardrail ledger`: verify, checkpoint, export and prove what the ledger holds.

Reading works while a server writes. Exit codes: 0 all is well, 1 the ledger does not verify,
2 the command could not be carried out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from guardrail.domain.errors import BadConfig, BadRequest, BrokenLedger, GuardrailError
from guardrail.ledger import merkle
from guardrail.ledger.chain import Head, Signed, signed_as_json
from guardrail.ledger.entry import as_json as entry_json
from guardrail.storage import anchor, audit
from guardrail.storage.record import Row
from guardrail.storage.sqlite import LEDGER_FILE, SqliteLedger, SqliteReader
from guardrail.storage.vault import PUBLIC_FILE, Vault

app = typer.Typer(help="Verify, export and prove the audit ledger.", no_args_is_help=True)

Data = Annotated[
    Path, typer.Option("--data", envvar="GUARDRAIL_DATA", help="Folder of the ledger.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DATA = Path("guardrail-data")


@app.command()
def verify(
    data: Data = _DATA,
    anchors: Annotated[
        Path | None, typer.Option("--anchor", help="A copy of checkpoints.jsonl kept elsewhere.")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option(help="Public key (hex) instead of signing.pub.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry, body, signature and checkpoint; name the first bad entry.

    Example: guardrail ledger verify --data ./guardrail-data
    """
    with _complaints(as_json=as_json):
        with closing(SqliteReader(data / LEDGER_FILE)) as reader:
            public = public_key or _public_key(data)
            head, signed = _verified(reader, anchors or data / anchor.ANCHOR_FILE, public)
        if as_json:
            found = {"ok": True, "entries": head.size, "head": head.digest}
            typer.echo(json.dumps(found | {"root": head.frontier.root, "checkpoints": signed}))
        else:
            typer.echo(f"{head.size} entries and {signed} checkpoints verify. head {head.digest}")


@app.command()
def checkpoint(
    data: Data = _DATA,
    restore_anchor: Annotated[
        bool, typer.Option(help="Write checkpoints.jsonl anew after it was lost by accident.")
    ] = False,
) -> None:
    """Print the signed head as JSON: keep it where this machine cannot reach it.

    While a server is running this is its last checkpoint (at most a minute old); otherwise what
    is not signed yet is signed now.

    Example: guardrail ledger checkpoint >> /mnt/elsewhere/checkpoints.jsonl
    """
    with _complaints():
        path = data / LEDGER_FILE
        if restore_anchor:
            with closing(SqliteReader(path)) as reader:
                anchor.rewrite(data / anchor.ANCHOR_FILE, reader.checkpoints())
        _sign_the_rest(path)
        with closing(SqliteReader(path)) as reader:
            stored = reader.resume()
        if stored is None:
            raise BadRequest("no_checkpoint", "nothing was signed yet.", "Try again in a minute.")
        typer.echo(json.dumps(signed_as_json(stored[0])))


@app.command()
def export(
    data: Data = _DATA,
    out: Annotated[
        Path | None, typer.Option(help="File to write; standard output if unset.")
    ] = None,
    bodies: Annotated[
        bool, typer.Option("--bodies", help="Decrypt the texts too. They are patient data.")
    ] = False,
) -> None:
    """Write all entries as JSON lines.

    With --bodies each line has a `content`; null where there is none or its key was erased.

    Example: guardrail ledger export --out ledger.jsonl
    """
    with _complaints(), closing(SqliteReader(data / LEDGER_FILE)) as reader:
        vault = Vault.existing(data) if bodies else None
        with _opened(out) as file:
            for row in _progress(reader.rows(), reader.size(), "export"):
                file.write(_utf8(json.dumps(_line(row, reader, vault), ensure_ascii=False)) + "\n")


@app.command()
def prove(
    index: Annotated[int, typer.Argument(help="Index of the entry.")], data: Data = _DATA
) -> None:
    """Print a proof that an entry is part of what the last checkpoint signed.

    Example: guardrail ledger prove 17 > proof.json
    """
    with _complaints(), closing(SqliteReader(data / LEDGER_FILE)) as reader:
        stored = reader.resume()
        signed = stored[0] if stored else None
        if signed is None or not 0 <= index < signed.checkpoint.size:
            raise BadRequest(
                "not_signed_yet",
                f"no checkpoint covers an entry {index}.",
                "Give an index that exists; a checkpoint follows within a minute.",
            )
        typer.echo(json.dumps(_proof(reader, index, signed)))


def _proof(reader: SqliteReader, index: int, signed: Signed) -> dict[str, Any]:
    size = signed.checkpoint.size
    rows = _progress(reader.rows(), size, "read")
    entries = [row.entry for row, _ in zip(rows, range(size), strict=False)]
    digests = [entry.digest for entry in entries]
    path = merkle.inclusion(digests, index)
    if not merkle.includes(digests[index], index, size, path, signed.checkpoint.root):
        message = "the entries are not those that the checkpoint signed."
        raise BrokenLedger("ledger_rewritten", message, "Run: guardrail ledger verify")
    return {
        "entry": entry_json(entries[index]),
        "leaf": merkle.leaf(digests[index]),
        "path": list(path),
        "checkpoint": signed_as_json(signed),
    }


def _verified(reader: SqliteReader, anchors: Path, public: str) -> tuple[Head, int]:
    """Signed heads are read first, so that a server writing meanwhile is never ahead of them."""
    kept, stored = anchor.read(anchors), reader.checkpoints()
    if stored and not {one.signature for one in stored} <= {one.signature for one in kept}:
        raise anchor.missing(anchors)
    rows = _progress(reader.rows(), reader.size(), "verify")
    return audit.whole(rows, kept, public), len(kept)


def _public_key(data: Path) -> str:
    path = data / PUBLIC_FILE
    if not path.exists():
        message = "there is no public key to verify signatures with."
        raise BadConfig("key_missing", message, "Give --public-key HEX.", where=str(path))
    return path.read_text("ascii").strip()


def _sign_the_rest(path: Path) -> None:
    """Opening and closing for writing signs what is not signed; a running server does it itself."""
    if not path.exists():
        return
    try:
        ledger = SqliteLedger.open(path, Vault.existing(path.parent))
    except BadConfig as error:
        if error.code != "ledger_in_use":
            raise
    else:
        ledger.close_now()


def _line(row: Row, reader: SqliteReader, vault: Vault | None) -> dict[str, Any]:
    entry = row.entry
    if vault is None:
        return entry_json(entry)
    key = reader.key_of(entry.exchange) if row.sealed is not None else None
    content = None
    if key is not None and row.sealed is not None and entry.index >= key.since:
        content = vault.open(key.wrapped, entry.exchange, entry.kind, row.sealed)
    return entry_json(entry) | {"content": content}


def _utf8(text: str) -> str:
    """Half a surrogate pair, which a caller may have sent, becomes its JSON escape again."""
    return text.encode("utf-8", "backslashreplace").decode()


def _progress(rows: Iterable[Row], total: int, what: str) -> Iterator[Row]:
    console = Console(stderr=True)
    yield from track(
        rows, what, total=total, console=console, disable=not console.is_terminal, transient=True
    )


@contextmanager
def _opened(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
    else:
        with out.open("w", encoding="utf-8") as file:
            yield file


@contextmanager
def _complaints(*, as_json: bool = False) -> Iterator[None]:
    """Errors as a person (or a script) reads them, and the exit code."""
    try:
        yield
    except GuardrailError as error:
        broken = isinstance(error, BrokenLedger) and error.code != "ledger_unavailable"
        index = getattr(error, "index", None)
        if as_json:
            said = {"code": error.code, "message": error.message, "remedy": error.remedy}
            typer.echo(json.dumps({"ok": False, "index": index} | said, ensure_ascii=False))
        else:
            typer.echo(f"{error.code}: {error}", err=True)
        raise typer.Exit(1 if broken else 2) from None
    except OSError as error:
        typer.echo(f"{error.filename or 'output'}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
