"""How many decimals each currency has, so that money from outside becomes integer minor units."""

from decimal import ROUND_HALF_UP, Decimal

_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY "
        "COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
        "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
        "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
        "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
}

DECIMALS = {code: decimals for decimals, codes in _DECIMALS.items() for code in codes.split()}
"""Decimals of each circulating currency of ISO 4217, by code."""


def minor_units(amount: Decimal, currency: str | None) -> int:
    """Return an amount as an integer of the currency's smallest unit: 19.99 EUR is 1999, 500 JPY is 500.

    Halves are rounded away from zero; an unknown currency is taken to have two decimals.
    """
    scaled = amount.scaleb(DECIMALS.get(currency or "", 2))
    return int(scaled.to_integral_value(ROUND_HALF_UP))
