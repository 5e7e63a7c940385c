"""`denials keys`: who may ask the service, and for what."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from claims.settings import load_settings
from pipelines.arguments import Json
from pipelines.terminal import aside, dump, say, table

keys = typer.Typer(
    help="Keys of the service: add, list, revoke. A running service heeds changes at once.", no_args_is_help=True,
    rich_markup_mode=None, epilog="They stand hashed in DENIALS_HOME/keys.json; a lost key cannot be shown again.",
)  # fmt: skip


@keys.command()
def add(
    name: Annotated[str, typer.Option(help="Who will use it, such as the billing software.")],
    role: Annotated[
        Literal["score", "manage", "admin"],
        typer.Option(help="score: score and check claims; manage: also outcomes and the page; admin: all."),
    ] = "score",
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once.

    From the first key on, the service answers nobody without one.
    """
    from serving.keys import add as add_key

    key, text = add_key(load_settings(), role, name)
    if as_json:
        dump({"id": key.id, "name": key.name, "role": key.role.name, "key": text})
        return
    say(text, whole=True)
    aside(f"Key {key.id} ({key.role.name}) for {key.name}. It is not shown again: keep it where only {key.name} reads.")
    aside("Send it as Authorization: Bearer KEY; in a browser it is the password, with any user name.")


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the keys, revoked ones too, without what is secret."""
    from serving.keys import FILE, keys_of

    found = keys_of(load_settings().home / FILE)
    if as_json:
        told = [
            {"id": key.id, "name": key.name, "role": key.role.name, "added": key.added, "revoked": key.revoked}
            for key in found
        ]
        dump({"keys": told})
    elif not found:
        say("No keys: the service listens on loopback only and asks nobody for one.")
    else:
        rows = [(key.id, key.name, key.role.name, key.added, key.revoked) for key in found]
        table("Keys", ("id", "name", "role", "added", "revoked"), rows, left=5)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As denials keys list shows it.")]) -> None:
    """Make a key invalid, at once and for good."""
    from serving.keys import revoke as revoke_key

    key = revoke_key(load_settings(), key_id)
    say(f"Key {key.id} ({key.role.name}) of {key.name} is revoked.")
