"""A list of people, read twice: first what its columns hold, then its rows as contacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from domain.contact.cells import (
    NO_VALUE,
    CellError,
    DayOrder,
    is_date_shaped,
    is_number,
    iso_date,
    number,
    order_shown,
)
from domain.contact.headers import ROLE, column_name, column_of_the_role, known_column
from domain.contact.values import (
    ATTRIBUTE_NAME_MAX,
    ATTRIBUTES_MAX,
    TEXT_MAX,
    UNKNOWN,
    Attribute,
    Consent,
    ContactDetails,
    EmailAddress,
    checked_tags,
)
from domain.contact.values import NAME_MAX as PERSON_NAME_MAX
from domain.shared.errors import InvalidValueError
from domain.shared.text import line, passage
from domain.shared.zones import timezone_name

Kind = Literal["number", "date", "text"]
COLUMNS_MAX: Final = ATTRIBUTES_MAX + 8
DEFAULT_SOURCE: Final = "contact import"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that makes no contact. `line` is the line in the file, the header being line 1."""

    line: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row as a contact: checked details, the normalised address, and what consent it claims."""

    line: int
    details: ContactDetails
    address: EmailAddress
    consent: Consent


@dataclass(slots=True)
class Column:
    """One column: what its cells can be, narrowed with each of them.

    `always_date`: the column means a time whatever it holds, so other cells are mistakes.
    """

    name: str
    index: int
    always_date: bool = False
    maybe_number: bool = True
    maybe_date: bool = True
    seen: bool = False
    orders: set[DayOrder] = field(default_factory=set)

    def observe(self, cell: str) -> None:
        """Take one cell into account."""
        if not cell:
            return
        self.seen = True
        if self.maybe_number and not is_number(cell):
            self.maybe_number = False
        if self.maybe_date or self.always_date:
            self._observe_date(cell)

    def _observe_date(self, cell: str) -> None:
        if not is_date_shaped(cell):
            self.maybe_date = False
        elif (shown := order_shown(cell)) is not None:
            self.orders.add(shown)

    @property
    def kind(self) -> Kind:
        """What the column holds, by all its cells."""
        if self.always_date or (self.seen and self.maybe_date):
            return "date"
        return "number" if self.seen and self.maybe_number else "text"

    @property
    def order(self) -> DayOrder | None:
        """The order of day and month that its cells prove, None if none or both."""
        return next(iter(self.orders)) if len(self.orders) == 1 else None


class ColumnPlan:
    """How a list is read. First `observe` every row, then `decided`, then `convert` every row.

    `roles` says which attribute is the last purchase: {"last_purchase_at": "last_order_date"}.
    """

    def __init__(self, known: dict[str, int], attributes: list[Column], width: int) -> None:
        self._known = known
        self._attributes = attributes
        self._width = width
        role = column_of_the_role([column.name for column in attributes])
        self.roles: dict[str, str] = {} if role is None else {ROLE: role}
        for column in attributes:
            column.always_date = column.name == role
        self._consent_at = Column("consent_at", known.get("consent_at", -1), always_date=True)
        self._dates = [*attributes, *([self._consent_at] if "consent_at" in known else [])]
        self._readers: list[tuple[str, int, Callable[[str], Attribute]]] = []
        self._order: DayOrder | None = None

    @classmethod
    def from_header(cls, header: Sequence[str]) -> ColumnPlan:
        """The plan for a header line.

        Raises InvalidValueError: `no_email_column`, `duplicate_column`, `too_many_columns`,
        `too_long`.
        """
        if len(header) > COLUMNS_MAX:
            raise InvalidValueError(
                "header", "too_many_columns", f"A list has at most {COLUMNS_MAX} columns."
            )
        known: dict[str, int] = {}
        attributes: dict[str, Column] = {}
        for index, heading in enumerate(header):
            name = column_name(line(heading, "header", TEXT_MAX), index + 1)
            _place(name, index, known, attributes)
        if "email" not in known:
            raise InvalidValueError(
                "header", "no_email_column", "The list needs a header line with a column email."
            )
        if len(attributes) > ATTRIBUTES_MAX:
            raise InvalidValueError(
                "header", "too_many_columns", f"A contact has at most {ATTRIBUTES_MAX} attributes."
            )
        return cls(known, list(attributes.values()), len(header))

    def observe(self, row: Sequence[str]) -> None:
        """First reading: learn from a row what the columns hold. Nothing is refused yet."""
        cells = len(row)
        for column in self._dates:
            if column.index < cells:
                column.observe(row[column.index].strip())

    def decided(self) -> ColumnPlan:
        """End the first reading; returns itself, ready to convert."""
        self._readers = [
            (column.name, column.index, _reader(column)) for column in self._attributes
        ]
        self._order = self._consent_at.order
        return self

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each attribute holds, by name."""
        return {column.name: column.kind for column in self._attributes}

    def convert(self, row: Sequence[str], line: int) -> ReadRow | Rejection:
        """Second reading: the contact of a row, or why it is none."""
        if len(row) > self._width:
            return Rejection(
                line, "too_many_cells", f"The row has {len(row)} cells, the header {self._width}."
            )
        try:
            return self._read(row, line)
        except CellError as error:
            return Rejection(line, error.code, str(error))
        except InvalidValueError as error:
            return Rejection(line, error.code, f"{error.field}: {error}")

    def _read(self, row: Sequence[str], at: int) -> ReadRow:
        address = EmailAddress.parse(self._cell(row, "email"))
        details = ContactDetails(
            address.given,
            line(self._cell(row, "first_name"), "first_name", PERSON_NAME_MAX),
            line(self._cell(row, "last_name"), "last_name", PERSON_NAME_MAX),
            timezone_name(self._cell(row, "timezone")),
            self._attributes_of(row),
            checked_tags(tags.split("|")) if (tags := self._cell(row, "tags")) else (),
        )
        return ReadRow(at, details, address, self._consent(row))

    def _cell(self, row: Sequence[str], column: str) -> str:
        index = self._known.get(column, -1)
        return row[index].strip() if 0 <= index < len(row) else ""

    def _attributes_of(self, row: Sequence[str]) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {}
        cells = len(row)
        for name, index, read in self._readers:
            if index < cells and (cell := row[index].strip()):
                value = read(cell)
                if value != "":
                    found[name] = value
        return found

    def _consent(self, row: Sequence[str]) -> Consent:
        status = self._cell(row, "consent_status").lower()
        if not status:
            return UNKNOWN
        if status not in ("granted", "unknown"):
            raise InvalidValueError(
                "consent_status", "invalid_consent", "A consent is granted or unknown."
            )
        source = self._cell(row, "consent_source")
        if status == "granted":
            source = source or DEFAULT_SOURCE
        return Consent.of(status, source, self._moment(self._cell(row, "consent_at")))

    def _moment(self, cell: str) -> datetime | None:
        if cell.lower() in NO_VALUE:
            return None
        moment = datetime.fromisoformat(_date(cell, self._order, "consent_at"))
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _place(name: str, index: int, known: dict[str, int], attributes: dict[str, Column]) -> None:
    meaning = known_column(name)
    if (meaning or name) in (known if meaning else attributes):
        raise InvalidValueError(
            "header", "duplicate_column", f"Two columns are called {meaning or name}."
        )
    if meaning is not None:
        known[meaning] = index
    else:
        attributes[line(name, "header", ATTRIBUTE_NAME_MAX)] = Column(name, index)


def _reader(column: Column) -> Callable[[str], Attribute]:
    order, name, forced = column.order, f"attributes.{column.name}", column.always_date
    if column.kind == "number":
        return number
    if column.kind == "date":
        return lambda cell: (
            "" if forced and cell.lower() in NO_VALUE else _date(cell, order, column.name)
        )
    return lambda cell: passage(cell, name, TEXT_MAX)


def _date(cell: str, order: DayOrder | None, name: str) -> str:
    try:
        return iso_date(cell, order)
    except CellError as error:
        raise CellError(error.code, f"{name}: {error}") from None
