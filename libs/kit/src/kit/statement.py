"""Statements written in SQLAlchemy Core, compiled once."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, Uuid, any_, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.expression import ClauseElement

from kit.sight import current_sight
from kit.telemetry.metrics import DB_OPERATION

DIALECT = dialect()  # type: ignore[no-untyped-call]


def _owners() -> tuple[UUID, ...] | None:
    return current_sight.get().owners


def _sight() -> str:
    return current_sight.get().setting


# Parameters that fill themselves in from the running call, see kit.sight.
_OWNERS_IN_SIGHT = bindparam("owners_in_sight", type_=ARRAY(Uuid()), callable_=_owners)
SIGHT_SETTING = bindparam("sight_setting", type_=Text(), callable_=_sight)


class _InSight(Grouping[bool]):
    """A condition that is left out where the caller sees everything."""

    inherit_cache = True


@compiles(_InSight)
def _compile_in_sight(
    element: _InSight, compiler: Any, *, sees_all: bool = False, **how: Any
) -> str:
    compiler.asks_for_sight = True
    return "true" if sees_all else str(compiler.visit_grouping(element, sees_all=sees_all, **how))


def in_sight(owner: ColumnElement[Any]) -> ColumnElement[bool]:
    """Keeps the records whose owner the caller sees; the policies ask again."""
    return _InSight(owner == any_(_OWNERS_IN_SIGHT))


class Statement:
    """A Core statement, ready for the driver.

    Build it once: at import, or behind a cache keyed by its shape.

    Values go by the names of its bindparams; lists through `= ANY(:ids)`, not `IN`. A statement
    that asks who is in sight has two forms, so that the usual one, for those who see everything,
    is planned without a condition whose outcome no planner can guess.
    """

    def __init__(self, clause: ClauseElement, *, about: str = "") -> None:
        self._for_all = _Form(clause, sees_all=True)
        asks = self._for_all.asks_for_sight
        self._within_sight = _Form(clause, sees_all=False) if asks else self._for_all
        self.duration = DB_OPERATION.labels(clause.__visit_name__, about or _table_of(clause))

    @property
    def sql(self) -> str:
        """As the driver takes it, for the running call."""
        return self._form.sql

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """In the driver's order. A missing name is a KeyError before anything is sent."""
        return self._form.arguments(values)

    @property
    def _form(self) -> "_Form":
        return self._for_all if current_sight.get().owners is None else self._within_sight


class _Form:
    """SQL, and what puts its values in order."""

    def __init__(self, clause: ClauseElement, *, sees_all: bool) -> None:
        compiled: Any = clause.compile(dialect=DIALECT, compile_kwargs={"sees_all": sees_all})
        self.sql = str(compiled)
        self.asks_for_sight = hasattr(compiled, "asks_for_sight")
        names = list(compiled.positiontup or ())
        binds = {name: compiled.binds[name] for name in names}
        fixed = {n: b.value for n, b in binds.items() if not b.required and not b.callable}
        asked = {name: bind.callable for name, bind in binds.items() if bind.callable}
        self.arguments = _picker(names, fixed, asked)


def _table_of(clause: ClauseElement) -> str:
    """The table it changes, or the one its first column comes from, as metrics show it."""
    if isinstance(clause, Select):
        first = next(iter(clause.selected_columns))
        table = getattr(next(iter(first.base_columns)), "table", None)
    else:
        table = getattr(clause, "table", None)
    return getattr(table, "name", "none")


def _picker(
    names: list[str], fixed: dict[str, Any], asked: dict[str, Callable[[], Any]]
) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """The quickest way to put named values in order; it runs for every statement."""
    if not names:
        return lambda values: ()
    pick = itemgetter(*names)
    if asked:
        items = tuple(asked.items())
        return lambda values: _tuple(
            names, pick({**fixed, **{name: ask() for name, ask in items}, **values})
        )
    if len(names) == 1:
        return lambda values: (pick({**fixed, **values}),)
    if fixed:
        return lambda values: pick({**fixed, **values})
    return pick


def _tuple(names: list[str], picked: Any) -> Sequence[Any]:
    return picked if len(names) > 1 else (picked,)
