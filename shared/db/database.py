"""One engine per process. A transaction is a `with` block; what has to leave the house leaves after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from shared.domain.errors import HansardError, Invalid, TooLarge, Unauthenticated, Unavailable

Transaction = Connection
_DISK_FULL = "53100"
_FOREIGN_KEY = "23503"


class Database:
    """`url` is a libpq address (`postgresql://…`). Connecting happens at first use. Raises Invalid for no address."""

    def __init__(self, url: str, *, pool_size: int = 5, echo: bool = False) -> None:
        self.url = url
        self.engine = create_engine(
            _engine_url(url),
            pool_size=pool_size,
            max_overflow=20,
            # A Lambda container thaws with connections the server has closed meanwhile.
            pool_pre_ping=True,
            echo=echo,
            # Errors are logged, and these are what people say, and their secrets.
            hide_parameters=True,
            # Poolers and proxies in front of Postgres do not keep prepared statements.
            connect_args={"prepare_threshold": None, "connect_timeout": 10},
        )
        self._after: dict[Connection, list[Callable[[], object]]] = {}

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """One transaction.

        Raises Unavailable when the database does not answer, TooLarge when its disk is full, Invalid for a value that
        it cannot keep (a text with a NUL).
        """
        connection: Transaction | None = None
        try:
            with self.engine.begin() as connection:
                yield connection
        except BaseException as error:
            if connection is not None:
                self._after.pop(connection, None)
            if not isinstance(error, SQLAlchemyError):
                raise
            told = _told(error)
            if told is None:
                raise _discreet(error) from None
            raise told from error
        for leave in self._after.pop(connection, ()):
            leave()

    def after_commit(self, tx: Transaction, leave: Callable[[], object]) -> None:
        """Calls `leave` once the transaction is committed, never if it is not: for messages that leave the house."""
        self._after.setdefault(tx, []).append(leave)

    def ping(self) -> None:
        """Raises Unavailable."""
        with self.begin() as tx:
            tx.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


def _told(error: SQLAlchemyError) -> HansardError | None:
    """What an error means to a caller; None for one that is a mistake of ours."""
    cause = getattr(error, "orig", None)
    state = getattr(cause, "sqlstate", None)
    if state == _DISK_FULL:
        return TooLarge("The server has no space left.")
    if state == _FOREIGN_KEY and str(cause.diag.constraint_name).endswith("_user_id_fkey"):  # type: ignore[union-attr]
        return Unauthenticated("This user has just been removed.")
    if isinstance(error, DataError):
        return Invalid("The database cannot keep one of these values.")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(error, OperationalError | InterfaceError | PoolExhausted):
        return Unavailable("The database does not answer.")
    return None


def _discreet(error: SQLAlchemyError) -> SQLAlchemyError:
    """Without what Postgres quotes of the row (DETAIL): whoever does not expect the error logs it."""
    error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])
    return error


def _engine_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Invalid("The address of the database has to look like postgresql://user@host/name.") from error
    if parsed.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise Invalid(f"The database has to be a PostgreSQL; the address says {parsed.drivername}.")
    return parsed.set(drivername="postgresql+psycopg")
