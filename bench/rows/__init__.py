"""The rows of the table; each measures the product and its floor on a ground."""

from bench import peers
from bench.rows import fanout
from bench.rows.alike import Alike
from bench.rows.catching_up import CatchingUp
from bench.rows.checkout import Checkout
from bench.rows.extraction import Extraction
from bench.rows.growth import Growth, GrowthOfConversations
from bench.rows.history import History
from bench.rows.idle import Idle
from bench.rows.ingestion import Ingestion
from bench.rows.intake import Intake
from bench.rows.kafka import Kafka
from bench.rows.knowledge import Knowledge
from bench.rows.kpis import KpisRow
from bench.rows.organization import Organization
from bench.rows.page import Page
from bench.rows.posts import Posts
from bench.rows.reembedding import Reembedding
from bench.rows.resting import Resting
from bench.rows.row import Row
from bench.rows.search import Search
from bench.rows.start import Start
from bench.rows.timeline import TimelineRow
from bench.rows.topics import Topics
from bench.rows.turns import Speaking, TurnOverhead
from bench.rows.unasked import Unasked

ALL: tuple[Row, ...] = (
    Posts(1, peers.POSTS_1_ROOM_64),
    Posts(50, peers.POSTS_50_ROOMS_64),
    Unasked(),
    Kafka(1),
    Kafka(50),
    CatchingUp(),
    *fanout.ROWS,
    Idle(),
    History(newest=True),
    History(newest=False),
    Page(),
    Checkout(),
    KpisRow(),
    Intake(),
    Search(),
    Knowledge(),
    Alike(),
    TimelineRow(),
    Organization(),
    Extraction(),
    Ingestion(),
    Reembedding(),
    TurnOverhead(),
    Speaking(),
    Resting(),
    Start(),
    Growth(),
    GrowthOfConversations(),
)
ON_DEMAND: tuple[Row, ...] = (Topics(),)
"""Rows that take long, or much of the machine: run once each, and only by name."""
