"""The Postmark sandbox: Postmark's API shapes on this machine, with recipients that react."""

ACCOUNT_TOKEN = "sandbox-account-token"  # noqa: S105 - public on purpose: it opens only the sandbox
TEST_TOKEN = "POSTMARK_API_TEST"  # noqa: S105 - Postmark's own: validates and sends nothing
