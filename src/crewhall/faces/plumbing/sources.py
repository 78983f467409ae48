"""What an answer cites, as it stands under it: numbered, each a link to the passage. Rights are checked as it opens.

static/js/live/sources.js makes the same view in the browser.
"""

import re
from collections.abc import Mapping
from typing import Any

_HERE = re.compile(r"/(?!/)")


def source_views(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `parts/message.html` names of each source that a message's metadata names.

    What was written there before that was Crewhall's own may be anything.
    """
    sources = metadata.get("sources")
    return [
        {"id": one["id"], "number": one["number"], "title": one["title"], "href": one["url"]}
        for one in (sources if isinstance(sources, list) else ())
        if isinstance(one, dict) and {"id", "number", "title", "url"} <= one.keys() and _HERE.match(str(one["url"]))
    ]
