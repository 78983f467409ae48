"""GitHub's issues as tasks: they follow each other, and what is asked of the one is asked of the other.

`github/` mirrors and knows nothing of tasks; `tasks.py` and its neighbours know nothing of GitHub. Both are joined
here, by the facts that they publish.
"""

from crewhall.work.issues.lifecycle import IssueParts, start_issues

__all__ = ["IssueParts", "start_issues"]
