"""Which database this is: it keeps its name when it moves, and one that is made anew gets another."""

from sqlalchemy import Connection, select

from shared.db.tables import installation


def name(tx: Connection) -> str:
    return str(tx.execute(select(installation.c.id)).scalar_one())
