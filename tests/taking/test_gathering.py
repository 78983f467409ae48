"""Words that come together are read as one; nothing else of a stream changes."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.runtime.gathering import LONGEST_S, READS_PER_SECOND, Ahead, Gatherer, join_words, split_events

words = st.text(max_size=8)
others = st.sampled_from(
    [
        b": keep alive",
        b"event: ping\ndata: {}",
        b"data: [DONE]",
        b'data: {"choices": []}',
        b'data: {"error": {"message": "x"}}',
        b"data: not json",
        b'data: {"id": "a", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}]}',
        b'data: {"id": "a", "choices": [{"index": 0, "delta": {"reasoning_content": "hm", "content": null}}]}',
    ]
)


def event(content, index=0, ident="a", **more):
    choice = {"index": index, "delta": {"content": content, **more.pop("delta", {})}, "finish_reason": None, **more}
    return b"data: " + json.dumps({"id": ident, "created": 1, "choices": [choice]}).encode()


events = st.lists(
    st.one_of(
        others,
        st.builds(event, words, st.integers(0, 1), st.sampled_from(["a", "b"])),
        st.builds(lambda text: event(text, finish_reason="stop"), words),
        st.builds(lambda text: event(text, delta={"role": "assistant"}), words),
    ),
    max_size=20,
)


def chunks(stream):
    """What a reader makes of a stream: its events in order, neighbours that only add words joined to the one before."""
    said: list[Any] = []
    for one in stream.replace(b"\r\n", b"\n").split(b"\n\n"):
        if not one:
            continue
        try:
            chunk = json.loads(one.removeprefix(b"data: "))
            (choice,) = chunk["choices"]
            text = choice["delta"].pop("content")
        except (ValueError, KeyError, TypeError):
            said.append(one)
            continue
        delta, plain = choice["delta"], choice.get("finish_reason") is None
        last = said[-1] if said and isinstance(said[-1], list) else []
        same = last and last[0][0] == (chunk["id"], choice["index"]) and plain and last[0][1]
        if same and text is not None and last[2] is not None and (not delta or delta == last[1]):
            last[2] += text
        else:
            said.append([((chunk["id"], choice["index"]), plain), delta, text])
    return said


@given(events, st.sampled_from([b"\n\n", b"\r\n\r\n"]), st.data())
def test_a_gathered_stream_says_the_same(stream, end, data):
    whole = b"".join(one + end for one in stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    async def read():
        async def arrive():
            for piece in pieces:
                yield piece

        async with aclosing(Gatherer().gather(Ahead(arrive()))) as gathered:
            return [piece async for piece in gathered]

    with asyncio.Runner() as runner:
        got = runner.run(read())
    assert chunks(b"".join(got)) == chunks(whole)
    for piece in got:
        assert split_events(piece) == (piece, b"")


def test_words_that_came_together_are_one_event():
    joined = join_words(b"".join(event(text) + b"\n\n" for text in ("one ", "two ", "three")) + b"data: [DONE]\n\n")
    assert joined.count(b"\n\n") == 2
    assert b'"content":"one two three"' in joined
    assert joined.endswith(b"data: [DONE]\n\n")


def test_what_is_not_whole_yet_is_kept():
    assert split_events(b"data: 1\n\ndata: 2\n") == (b"data: 1\n\n", b"data: 2\n")
    assert split_events(b"data: 1") == (b"", b"data: 1")
    assert split_events(b"data: 1\r\n\r\nda") == (b"data: 1\r\n\r\n", b"da")


@pytest.mark.parametrize(("streams", "pause"), [(1, 0), (7, 0), (20, 20 / READS_PER_SECOND), (1000, LONGEST_S)])
async def test_the_more_agents_speak_the_less_often_each_is_read_from(streams, pause):
    gatherer, going = Gatherer(), asyncio.Event()

    async def speak():
        yield event("word") + b"\n\n"
        await going.wait()

    async def listen():
        async with aclosing(gatherer.gather(Ahead(speak()))) as pieces:
            async for _ in pieces:
                pass

    listening = [asyncio.create_task(listen()) for _ in range(streams)]
    await asyncio.sleep(0)
    assert gatherer.pause_s == pytest.approx(pause)
    going.set()
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    assert gatherer.pause_s == 0


class Stream(httpx2.AsyncByteStream):
    """Pieces that are all there, one by one, as an HTTP client gives them; then what is raised, if anything."""

    def __init__(self, pieces, error=None):
        self.pieces, self.error, self.is_closed = pieces, error, False

    async def __aiter__(self):
        for piece in self.pieces:
            yield piece
        if self.error is not None:
            raise self.error

    async def aclose(self):
        self.is_closed = True


def asking(stream):
    """A client whose every answer is the stream."""
    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=stream)
    return Gatherer().watch(httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _request: answer)))


async def test_pieces_that_have_come_are_one_however_a_client_cuts_them():
    stream = Stream([event("word ") + b"\n\n" for _ in range(30)] + [b"data: [DONE]\n\n"])
    async with asking(stream) as client, client.stream("GET", "http://model.example.org") as answer:
        got = [piece async for piece in answer.aiter_raw()]
    assert len(got) <= 2
    assert b"".join(got).count(b"word ") == 30
    assert stream.is_closed


async def test_who_reads_on_gets_what_is_left():
    stream = Stream([event("one ") + b"\n\n", b"data: [DONE]\n\n", b": bye\n\n"])
    async with asking(stream) as client, client.stream("GET", "http://model.example.org") as answer:
        first = await anext(answer.aiter_raw())
        rest = [piece async for piece in answer.stream]
    assert b"one " in first
    assert b": bye" in b"".join([first, *rest])


async def test_a_stream_that_breaks_says_so_behind_its_words():
    stream = Stream([event("one ") + b"\n\n"], httpx2.ReadError("gone"))
    async with asking(stream) as client, client.stream("GET", "http://model.example.org") as answer:
        pieces = answer.aiter_raw()
        assert b"one " in await anext(pieces)
        with pytest.raises(httpx2.ReadError, match="gone"):
            await anext(pieces)
