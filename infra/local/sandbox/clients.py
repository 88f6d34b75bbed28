"""Mail programs and places that the played recipients read from, in Postmark's fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


def _named(name: str, company: str, family: str) -> dict[str, str]:
    return {"Name": name, "Company": company, "Family": family}


@dataclass(frozen=True, slots=True)
class MailClient:
    platform: str
    client: dict[str, str]
    os: dict[str, str]
    user_agent: str


_MOZILLA = "Mozilla/5.0"
_UNKNOWN = _named("unknown", "unknown", "unknown")
CLIENTS: tuple[MailClient, ...] = (
    MailClient(
        "WebMail",
        _named("Gmail", "Google Inc.", "Gmail"),
        _named("unknown", "unknown", "unknown"),
        f"{_MOZILLA} (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    ),
    MailClient(
        "Mobile",
        _named("Mobile Safari", "Apple Inc.", "Safari"),
        _named("iOS 18", "Apple Computer, Inc.", "iOS"),
        f"{_MOZILLA} (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    ),
    MailClient(
        "Desktop",
        _named("Outlook 2016", "Microsoft Corporation.", "Outlook"),
        _named("Windows 10", "Microsoft Corporation.", "Windows"),
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)",
    ),
    MailClient(
        "Desktop",
        _named("Apple Mail", "Apple Inc.", "Apple Mail"),
        _named("OS X 10.15 Catalina", "Apple Computer, Inc.", "OS X"),
        f"{_MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    ),
    MailClient(
        "Mobile",
        _named("Chrome Mobile", "Google Inc.", "Chrome"),
        _named("Android 14", "Google Inc.", "Android"),
        f"{_MOZILLA} (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile",
    ),
    # from here on nobody looks: Apple's privacy proxy, then what scans links for a gateway
    MailClient("Unknown", _UNKNOWN, _UNKNOWN, _MOZILLA),
    MailClient("Unknown", _UNKNOWN, _UNKNOWN, "BarracudaSentinel (EE)"),
    MailClient("Unknown", _UNKNOWN, _UNKNOWN, "Mozilla/5.0 (compatible; Proofpoint URL Defense)"),
    MailClient("Unknown", _UNKNOWN, _UNKNOWN, ""),
    # a scanner that says it is a browser
    MailClient(
        "Desktop",
        _named("Chrome 120", "Google Inc.", "Chrome"),
        _named("Windows 10", "Microsoft Corporation.", "Windows"),
        f"{_MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
    ),
)
PEOPLE = 5
"""So many of CLIENTS are used by people."""
PRIVACY_PROXY = 5
SCANNERS = (6, 7, 8, 9)


def _place(country: str, iso: str, region: str, region_iso: str, city: str, rest: str) -> Any:
    zip_code, coords, ip = rest.split("|")
    return {
        "CountryISOCode": iso,
        "Country": country,
        "RegionISOCode": region_iso,
        "Region": region,
        "City": city,
        "Zip": zip_code,
        "Coords": coords,
        "IP": ip,
    }


# addresses of the documentation ranges, so that they are nobody's
PLACES: tuple[dict[str, str], ...] = (
    _place("United States", "US", "New York", "NY", "New York", "10001|40.7,-74.0|192.0.2.17"),
    _place("Germany", "DE", "Berlin", "BE", "Berlin", "10115|52.5,13.4|198.51.100.23"),
    _place("United Kingdom", "GB", "England", "ENG", "Leeds", "LS1|53.8,-1.5|203.0.113.61"),
    _place("Serbia", "RS", "Vojvodina", "VO", "Novi Sad", "21000|45.3,19.8|198.51.100.90"),
)
