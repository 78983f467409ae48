"""What of GitHub is news on the timeline, and how it is put."""

from datetime import datetime, timedelta

from crewhall.kernel.clock import utc_now

NEWS = timedelta(days=7)
LONGEST_LINE = 500


def is_news(at: datetime) -> bool:
    """Whether something happened so lately that it is worth telling."""
    return utc_now() - NEWS < at < utc_now() + timedelta(hours=1)


def line_of(text: str | None) -> str | None:
    """A text as one line of an event; None where it says nothing."""
    return (text or "").strip()[:LONGEST_LINE] or None
