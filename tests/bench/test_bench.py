"""The bench's arithmetic, its hand-made clients, and one tiny row for real."""

import asyncio
import json
import time

import pytest

from bench.__main__ import chosen
from bench.ground import temporary_home
from bench.load.http import Connection, percentile, run_loop
from bench.load.live import Crowd, Listener, stamp
from bench.meter import NOISE_LIMIT, Usage
from bench.rows import ALL, ON_DEMAND
from bench.rows.posts import Posts
from bench.rows.row import Scale
from bench.run import Grounds, run_row
from bench.table import Figure, Line, Target, as_table, gain, line_of, ratio

RATE = Figure("rate", "posts", "/s", Target(floor_share=0.5, peer_times=100), floor_key="rate", peer=60.0)
DELAY = Figure("p99", "delay", "ms", Target(at_most=30), floor_key="p99", peer=300.0)


def runs(key: str, *values: float) -> list[dict[str, float]]:
    return [{key: value} for value in values]


def line(
    figure: Figure, product: list[dict[str, float]], floor: list[dict[str, float]], *, noisy: bool = False
) -> Line:
    made = line_of("row", figure, product, floor, noisy=noisy)
    assert made is not None
    return made


def test_a_line_takes_medians_and_their_ratio():
    made = line(RATE, runs("rate", 9_000, 6_600, 100), runs("rate", 12_000, 11_000, 50_000))
    assert (made.value, made.floor, made.floor_ratio) == (6_600, 12_000, 0.55)
    assert made.peer_gain == 110
    assert made.is_met


@pytest.mark.parametrize(
    ("value", "floor", "failed"), [(5_999, 10_000, ["≥ 100 × peer"]), (6_100, 12_300, ["≥ 50% of floor"])]
)
def test_every_part_of_a_target_must_hold(value, floor, failed):
    made = line(RATE, runs("rate", value), runs("rate", floor))
    assert [part for part, met in made.target.items() if not met] == failed
    assert made.is_met is False


def test_a_target_without_its_yardstick_is_not_judged():
    assert line(RATE, runs("rate", 9_000), []).target == {"≥ 100 × peer": True}
    assert line(Figure("rate", "posts", "/s"), runs("rate", 1), []).is_met is None
    assert line_of("row", RATE, [], runs("rate", 1)) is None


def test_less_is_better_for_times_and_more_for_rates():
    assert gain(200, 100, "/s") == 2
    assert gain(50, 100, "ms") == 2
    assert ratio(3, None) is None


def test_the_table_names_misses_and_noise():
    table = as_table(
        [line(DELAY, runs("p99", 31), runs("p99", 10), noisy=True), line(RATE, runs("rate", 9e3), runs("rate", 9e3))]
    )
    first, second = table.splitlines()[2:]
    assert "MISSED noisy" in first
    assert "3.1 ×" in first
    assert "9.68 ×" in first
    assert "MISSED" not in second
    assert "9,000 /s" in second


def test_percentiles_are_nearest_ranks():
    assert percentile([], 0.99) == 0
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 100
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2


def test_other_work_makes_a_run_noisy():
    quiet = Usage(10, 1, {}, others=10 * NOISE_LIMIT * 0.9)
    loud = Usage(10, 1, {}, others=10 * NOISE_LIMIT * 1.1)
    assert not quiet.is_noisy
    assert loud.is_noisy


def test_rows_are_chosen_by_the_beginning_of_their_names():
    assert len({row.name for row in ALL}) == len(ALL)
    assert [row.name for row in chosen(["posts"])] == ["posts-1", "posts-50"]
    with pytest.raises(SystemExit, match="There is no row nothing"):
        chosen(["nothing"])


def test_rows_on_demand_are_run_by_name_only():
    assert [row.name for row in chosen(["topics"])] == [row.name for row in ON_DEMAND] == ["topics"]
    assert not {row.name for row in ON_DEMAND} & {row.name for row in chosen([])}


@pytest.mark.parametrize("row", [*ALL, *ON_DEMAND], ids=lambda row: row.name)
def test_a_row_tells_its_figures_apart(row):
    assert len({figure.what for figure in row.figures}) == len(row.figures)


def test_answers_are_cut_wherever_the_network_cuts_them():
    answers = []
    connection = Connection()
    connection.on_answer = lambda status: answers.append((status, connection.body[-2:]))
    data = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    for byte in data:
        connection.data_received(bytes([byte]))
    connection.data_received(data)
    assert answers == [(201, b"{}"), (201, b"{}")]


async def test_frames_are_timed_wherever_the_network_cuts_them():
    delays: list[float] = []
    listener = Listener(b"", delays)
    text = json.dumps({"type": "record", "content": stamp(), "more": "x" * 200}).encode()
    data = (
        b"HTTP/1.1 101 Switching\r\n\r\n" + b"\x81\x7e" + len(text).to_bytes(2) + text + b'\x81\x12{"type":"resumed"}'
    )
    for at in range(0, len(data), 7):
        listener.data_received(data[at : at + 7])
    assert listener.resumed.done()
    assert len(delays) == 1
    assert 0 <= delays[0] < 5


async def test_a_lost_listener_fails_the_run():
    listener = Listener(b"", [])
    listener.connection_lost(None)
    crowd = Crowd("http://127.0.0.1:1", "/", {})
    crowd.listeners.append(listener)
    with pytest.raises(RuntimeError, match="lost"):
        crowd.check()


async def test_a_refusal_ends_the_loop():
    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RuntimeError, match="429"):
            await run_loop(f"http://127.0.0.1:{port}", 1, 5, lambda _connection: lambda: b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.slow
async def test_one_tiny_row_runs_against_its_floor():
    said: list[str] = []
    begun = time.perf_counter()
    with temporary_home() as data:
        scale = Scale(seconds=0.2, runs=1, messages=100)
        async with Grounds(data, scale, said.append) as grounds:
            lines = await run_row(Posts(1), grounds, scale, said.append)
    assert said == ["posts-1 …"]
    found = {one.key: one for one in lines}
    assert found["rate"].value > 1
    assert found["rate"].floor_ratio
    assert 0 < found["cpu"].value < 1_000 * (time.perf_counter() - begun)
