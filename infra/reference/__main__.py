"""Write the pages."""

from __future__ import annotations

from infra.reference import PAGES
from infra.reference.sources import ROOT

if __name__ == "__main__":
    for name, render in PAGES.items():
        (ROOT / "docs" / "reference" / name).write_text(render())
