"""What happens in a reading trial, one line of JSON each; this file alone knows the keys."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fsh_core.strict_json import first_problem

FORMAT = "fsh-readers-1"

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Name = Annotated[str, Field(min_length=1)]
_Label = Annotated[int, Field(ge=1)]
# JSON has lists alone; in a tuple their elements are held to the strict rules all the same.
_Labels = Annotated[tuple[_Label, ...], Field(strict=False)]
_Names = Annotated[tuple[_Name, ...], Field(strict=False, min_length=1)]


class _Event(BaseModel):
    """What every line says.

    Attributes
    ----------
    n : int
        Its place, counted from 1.
    time : str
        When (ISO 8601, UTC).
    by : str
        The login of who called the command.
    version : str
        Of F.sh.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    n: int = 0
    time: str = ""
    by: str = ""
    version: str = ""


class Assign(_Event):
    """Cases were dealt out.

    Attributes
    ----------
    assigned : dict of str to tuple of str
        The readers of each case.
    adjudicator : str
        Who decides where readers differ; empty = nobody.
    seed, per_case : int
        What it was dealt out with.
    """

    act: Literal["assign"] = "assign"
    assigned: dict[_Name, _Names]
    adjudicator: str = ""
    seed: int
    per_case: Annotated[int, Field(ge=1)]


class Compare(_Event):
    """The signed readings of a case were compared.

    Attributes
    ----------
    case : str
        Which.
    decided, drawn : tuple of int
        Lesions that were found by F.sh, about which the readers decided differently, and those
        that all kept and did not draw alike.
    added : tuple of int
        Lesions that readers added, under their numbers in the adjudicator's copy.
    journals_sha256 : dict of str to str
        The journals that were compared, by reader.
    """

    act: Literal["compare"] = "compare"
    case: _Name
    decided: _Labels = ()
    drawn: _Labels = ()
    added: _Labels = ()
    journals_sha256: dict[_Name, _Sha256]

    @property
    def lesions(self) -> tuple[int, ...]:
        """What the adjudicator decides about; empty = the readers agree."""
        return (*self.decided, *self.drawn, *self.added)


class Sign(_Event):
    """A reader signed a reading, which is closed from then on.

    Attributes
    ----------
    case, reader : str
        Which, and who.
    journal_sha256 : str
        SHA-256 of the reader's journal as it was signed.
    labels_sha256 : str
        That of the lesions that were read.
    """

    act: Literal["sign"] = "sign"
    case: _Name
    reader: _Name
    journal_sha256: _Sha256
    labels_sha256: _Sha256


class Lock(_Event):
    """A case was closed for everyone."""

    act: Literal["lock"] = "lock"
    case: _Name


class Unlock(_Event):
    """A case, or one reading of it, was opened again.

    Attributes
    ----------
    case : str
        Which.
    reader : str
        Whose reading; its signature no longer holds. Empty = the lock of the case is taken off.
    reason : str
        Why.
    """

    act: Literal["unlock"] = "unlock"
    case: _Name
    reader: str = ""
    reason: _Name


Event = Assign | Compare | Sign | Lock | Unlock
_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="act")])


def event_from_json(content: Any) -> Event:
    """Read an event back.

    Raises
    ------
    ValueError
        If it is none that this version knows.
    """
    try:
        return _EVENTS.validate_python(content)
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None
