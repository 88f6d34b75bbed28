"""The embedded Postgres, not waiting for the disk: tests end processes, never the machine.

What was committed is with the kernel by then, and outlives a killed server as it always does.
"""

from __future__ import annotations

from infra.local.postgres import SERVER_SETTINGS, main

if __name__ == "__main__":
    SERVER_SETTINGS["fsync"] = "off"
    main()
