"""The client library and the command line at one's own inbox."""

from crewhall.sdk import Client
from tests.cli.conftest import Cli
from tests.conversations.ways import post
from tests.notifications.ways import handle_of, settled
from tests.support.server import token_of
