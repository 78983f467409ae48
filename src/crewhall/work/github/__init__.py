"""GitHub: connections, what its webhooks deliver, the mirror of repositories, and what is changed there.

It stands beside projects and tasks and knows nothing of them: they follow its facts (`facts.py`).
"""

from crewhall.work.github.lifecycle import GithubParts, start_github
from crewhall.work.github.settings import GithubSettings

__all__ = ["GithubParts", "GithubSettings", "start_github"]
