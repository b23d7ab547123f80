"""`hansard user` and `hansard group`: who may come in. They work also while the server runs."""
# ruff: noqa: PLC0415 - commands import what only they need

from typing import Annotated, Any

import typer

from api.cli_options import DataDir, read_settings
from shared.domain.errors import Invalid

users = typer.Typer(name="user", help="Users: list, add, change, remove.", no_args_is_help=True)
groups = typer.Typer(name="group", help="Groups of users, who share tags and folders.", no_args_is_help=True)

UserName = Annotated[str, typer.Argument(metavar="USER", help="The user's name.")]
GroupName = Annotated[str, typer.Argument(metavar="GROUP", help="The group's name.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Admin = Annotated[bool | None, typer.Option("--admin/--no-admin", help="Whether the user is an administrator.")]
Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Whether the user may come in.")]
Email = Annotated[str | None, typer.Option(help="A mail address; an empty one removes it.")]
Name = Annotated[str | None, typer.Option(help="The name that people call the user by.")]
Minutes = Annotated[
    int | None, typer.Option(min=0, max=10_000_000, help="Minutes of audio a month; 0: as many as they like.")
]
Tokens = Annotated[
    int | None, typer.Option(min=0, max=10**15, help="Tokens of a language model a month; 0: as many as they like.")
]


@users.command("list")
def list_users(data: DataDir = None) -> None:
    """All users by name, with tabs between the columns."""
    from shared.services import users as service
    from shared.wiring.local import database

    with database(read_settings(data)) as db:
        found = service.listed(db)
    typer.echo("user\trole\tstate\temail\tname\tminutes a month\ttokens a month\tgroups\tcomes from")
    for each in found:
        seconds = each.monthly_transcription_seconds
        cells = (
            each.username,
            "admin" if each.is_admin else "user",
            "active" if each.is_active else "inactive",
            each.email,
            each.name,
            None if seconds is None else seconds // 60,
            each.monthly_token_budget,
            ", ".join(membership.group.name for membership in each.memberships),
            each.issuer,
        )
        typer.echo("\t".join("" if cell is None else _shown(cell) for cell in cells))


def _shown(cell: object) -> str:
    """What users say of themselves must neither make rows nor steer the terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in str(cell))


def _changes(minutes: int | None, **said: Any) -> dict[str, Any]:
    given = {**said, "monthly_transcription_seconds": None if minutes is None else minutes * 60}
    return {name: value for name, value in given.items() if value is not None}


@users.command("add")
def add_user(
    user: UserName,
    admin: Admin = None,
    email: Email = None,
    name: Name = None,
    transcription_minutes: Minutes = None,
    tokens: Tokens = None,
    data: DataDir = None,
) -> None:
    """Add a user, who gets in with a token: see `hansard token`."""
    from shared.services import users as service
    from shared.wiring.local import database

    said = _changes(transcription_minutes, is_admin=admin, email=email, name=name, monthly_token_budget=tokens)
    with database(read_settings(data)) as db:
        service.add(db, user, said)


@users.command("change")
def change_user(
    user: UserName,
    admin: Admin = None,
    active: Active = None,
    email: Email = None,
    name: Name = None,
    transcription_minutes: Minutes = None,
    tokens: Tokens = None,
    data: DataDir = None,
) -> None:
    """Change a user; what is left out stays. Whoever is inactive is turned away at once."""
    from shared.services import users as service
    from shared.wiring.local import database

    who = {"is_admin": admin, "is_active": active, "email": email, "name": name}
    said = _changes(transcription_minutes, **who, monthly_token_budget=tokens)
    with database(read_settings(data)) as db:
        service.change(db, user, said)


@users.command("remove")
def remove_user(user: UserName, yes: Sure = False, data: DataDir = None) -> None:
    """Remove a user with all recordings: audio, transcripts, summaries, notes."""
    from shared.services import users as service
    from shared.wiring.operator import core

    settings = read_settings(data)
    _ask(yes, f"Remove {user} and all recordings of that user? They cannot be had back.")
    with core(settings) as built:
        service.remove(built, user)


def _ask(yes: bool, question: str) -> None:
    """Raises Invalid unless the answer is yes."""
    if not yes and not typer.confirm(question, err=True):
        raise Invalid("Nothing is removed.")


@groups.command("list")
def list_groups(data: DataDir = None) -> None:
    """All groups by name, each with its admins and members, with tabs between the columns."""
    from shared.domain.accounts import Role
    from shared.services import groups as service
    from shared.wiring.local import database

    with database(read_settings(data)) as db:
        found = service.listed(db)
    typer.echo("group\tadmins\tmembers")
    for group, roles in found.items():
        by_role = {role: ", ".join(name for name, each in roles.items() if each is role) for role in Role}
        typer.echo(f"{group.name}\t{by_role[Role.ADMIN]}\t{by_role[Role.MEMBER]}")


@groups.command("add")
def add_group(group: GroupName, data: DataDir = None) -> None:
    """Add a group."""
    from shared.services import groups as service
    from shared.wiring.local import database

    with database(read_settings(data)) as db:
        service.add(db, group)


@groups.command("remove")
def remove_group(group: GroupName, yes: Sure = False, data: DataDir = None) -> None:
    """Remove a group with its tags and folders. The recordings in them stay with their owners."""
    from shared.services import groups as service
    from shared.wiring.operator import core

    settings = read_settings(data)
    _ask(yes, f"Remove {group} with its tags and folders?")
    with core(settings) as built:
        service.remove(built, group)


@groups.command()
def join(
    group: GroupName,
    user: UserName,
    admin: Annotated[bool, typer.Option("--admin", help="As an admin of the group.")] = False,
    data: DataDir = None,
) -> None:
    """Make a user a member of a group, or one of its admins."""
    from shared.services import groups as service
    from shared.wiring.local import database

    with database(read_settings(data)) as db:
        service.join(db, group, user, admin=admin)


@groups.command()
def leave(group: GroupName, user: UserName, data: DataDir = None) -> None:
    """Take a user out of a group."""
    from shared.services import groups as service
    from shared.wiring.local import database

    with database(read_settings(data)) as db:
        service.leave(db, group, user)
