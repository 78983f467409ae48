"""The rows of the table; each measures the product and its floor on a ground."""

from bench import peers
from bench.rows import fanout
from bench.rows.history import History
from bench.rows.posts import Posts
from bench.rows.row import Row

ALL: tuple[Row, ...] = (
    Posts(1, peers.POSTS_1_ROOM_64),
    Posts(50, peers.POSTS_50_ROOMS_64),
    *fanout.ROWS,
    History(newest=True),
    History(newest=False),
)
