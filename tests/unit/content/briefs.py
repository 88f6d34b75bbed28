"""Businesses and briefs that the content tests share."""

from datetime import date

from domain.campaign.content.brief import BusinessProfile, ContentBrief, Offer

VOICES = {
    "friendly": "friendly",
    "warm": "warm and personal",
    "professional": "calm, professional",
    "expert": "Expert, clear",
    "playful": "a bit cheeky and playful",
    "luxurious": "elegant",
}
TWENTY_OFF = Offer("percent", 20, None, "20% off")
LAST_DAY = date(2026, 11, 29)
WIN_BACK = ContentBrief("win_back", offer=TWENTY_OFF, inactive_days=60)


def business(
    industry: str = "bakery",
    voice: str = "friendly",
    name: str = "Crust & Crumb",
    website: str | None = "https://crust.example/",
) -> BusinessProfile:
    return BusinessProfile(
        name=name,
        industry=industry,
        business_model="",
        brand_voice=voice,
        target_audience="people nearby",
        timezone="Europe/Vienna",
        sender_name="Mara Lind",
        sender_email="mara@crust.example",
        postal_address="Hauptstrasse 1\n1010 Vienna\nAustria",
        website=website,
    )
