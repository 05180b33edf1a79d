"""Money: integer minor units with a currency. Rounding happens here and nowhere else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from types import MappingProxyType

from kit.errors import InvalidInput

# ISO 4217, with units of account and what countries have left behind in the last years.
_CURRENCIES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD "
    "BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP "
    "DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS "
    "INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD "
    "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR "
    "PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS "
    "SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS "
    "VED VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG"
)
_KNOWN = frozenset(_CURRENCIES.split())
# Those whose minor unit is not a hundredth.
_NO_MINOR_UNIT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_TEN_THOUSANDTHS = "CLF UYW"
_EXPONENTS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(_NO_MINOR_UNIT.split(), 0)
    | dict.fromkeys(_THOUSANDTHS.split(), 3)
    | dict.fromkeys(_TEN_THOUSANDTHS.split(), 4)
)
LARGEST = 2**63 - 1  # a bigint column
_NUMBER = re.compile(r"[+-]?\d{1,19}(\.\d{1,9})?", re.ASCII)
_TOO_LARGE = re.compile(r"[+-]?\d{20,100}(\.\d{1,9})?", re.ASCII)
_EXACT = Context(prec=80)  # the default of 28 digits would round a first time, unseen


def exponent(currency: str) -> int:
    """How many decimal places the currency's minor unit stands for."""
    return _EXPONENTS.get(currency, 2)


def unusual_exponents() -> Mapping[str, int]:
    """Of the currencies whose minor unit is not a hundredth."""
    return _EXPONENTS


def is_currency(code: str) -> bool:
    """Whether ISO 4217 knows it."""
    return code in _KNOWN


def currencies() -> list[str]:
    """All that ISO 4217 knows, by their codes."""
    return sorted(_KNOWN)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount; `Money(1999, "EUR")` is 19.99 EUR."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if not is_currency(self.currency):
            raise InvalidInput("This is not a currency code.", fields={"currency": "Use ISO 4217."})
        if abs(self.amount_minor) > LARGEST:
            raise InvalidInput("This amount is too large.", fields={"amount": "It is too large."})

    def converted(self, factor: Decimal, currency: str) -> "Money":
        """In another currency, by a factor from minor to minor unit; rounded once, half to even."""
        return Money(_rounded(_EXACT.multiply(Decimal(self.amount_minor), factor)), currency)

    @property
    def amount(self) -> Decimal:
        """In major units, with all of the currency's decimal places."""
        return Decimal(self.amount_minor).scaleb(-exponent(self.currency), _EXACT)

    def __str__(self) -> str:
        return f"{self.amount:,.{exponent(self.currency)}f} {self.currency}"


def parse(text: str, currency: str, *, field: str = "amount") -> Money:
    """Read a plain decimal number in major units: "1999.5".

    Raises InvalidInput for anything else, also for more places than the currency has: what a
    person typed is not rounded behind their back.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        if _TOO_LARGE.fullmatch(text):
            raise _too_large(field)
        raise InvalidInput("This is not an amount.", fields={field: "Enter a number."})
    minor = Decimal(text).scaleb(exponent(currency), _EXACT)
    if minor != minor.to_integral_value():
        places = exponent(currency)
        raise InvalidInput(
            "This amount is too precise.",
            fields={field: f"{currency} has {places} decimal places."},
        )
    if abs(minor) > LARGEST:
        raise _too_large(field)
    return Money(int(minor), currency)


def _too_large(field: str) -> InvalidInput:
    return InvalidInput("This amount is too large.", fields={field: "It is too large."})


def _rounded(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_EVEN, _EXACT))
