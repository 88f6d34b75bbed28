"""The demo: a bakery with 2,000 contacts, and one conversation played through to the clicks."""
