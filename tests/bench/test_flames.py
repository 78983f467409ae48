"""What a sampler notes, and the picture that is made of it."""

import time
from xml.etree import ElementTree as ET

import msgspec

from bench.flames import LEAST, WIDTH, calls_of, flame_graph
from bench.sampler import Profile, Sampler, report

STACKS = [
    (("bench/serving.py main", "crewhall/log.py post", "psycopg/cursor.py execute"), 60),
    (("bench/serving.py main", "crewhall/log.py post"), 20),
    (("bench/serving.py main", "python3.11/json.py dumps"), 20),
]
SVG = "{http://www.w3.org/2000/svg}"


def frames(svg: bytes) -> dict[str, ET.Element]:
    """The frames of a picture by what they tell."""
    return {
        group.findtext(f"{SVG}title", ""): rect
        for group in ET.fromstring(svg).iter(f"{SVG}g")
        for rect in group.iter(f"{SVG}rect")
    }


def test_stacks_are_put_together_without_what_all_begin_with():
    root = calls_of(STACKS)
    assert (root.name, root.count) == ("bench/serving.py main", 100)
    assert {call.name: call.count for call in root.calls.values()} == {
        "crewhall/log.py post": 80,
        "python3.11/json.py dumps": 20,
    }
    assert root.calls["crewhall/log.py post"].calls["psycopg/cursor.py execute"].count == 60


def test_frames_are_as_wide_as_their_share_and_stand_under_their_callers():
    drawn = frames(flame_graph(STACKS, "Posts", "a note"))
    post, execute = drawn["crewhall/log.py post: 80.0%"], drawn["psycopg/cursor.py execute: 60.0%"]
    dumps = drawn["python3.11/json.py dumps: 20.0%"]
    assert [float(one.get("width", 0)) for one in (post, execute, dumps)] == [0.8 * WIDTH, 0.6 * WIDTH, 0.2 * WIDTH]
    assert float(execute.get("y", 0)) > float(post.get("y", 0)) == float(dumps.get("y", 0))
    assert float(dumps.get("x", 0)) == 0.8 * WIDTH
    assert [one.get("class") for one in (post, execute, dumps)] == ["own", "library", "python"]


def test_what_takes_next_to_nothing_is_left_out_and_names_are_text():
    few = int(1 / LEAST)
    stacks = [*STACKS, (("bench/serving.py main", "crewhall/rare.py once"), 0), (("a", "<frozen os> & <b>"), few)]
    stacks.append((("a", "crewhall/rare.py twice"), 1))
    drawn = frames(flame_graph(stacks, "A < B & C", "note"))
    assert not [name for name in drawn if "rare.py" in name]
    assert [name for name in drawn if name.startswith("<frozen os> & <b>")]


def test_the_sampler_notes_who_called_whom(tmp_path):
    sampler = Sampler()
    sampler.start()
    work_for(0.1)
    sampler.clear()
    work_for(0.3)
    sampler.write(tmp_path / "profile.json")
    work_for(0.05)
    found = msgspec.json.decode((tmp_path / "profile.json").read_bytes(), type=Profile)
    assert found.samples == sum(count for _, count in found.stacks) > 10
    (name,) = [name for name in found.within() if name.endswith("test_flames.py work_for")]
    assert found.within()[name] > found.samples / 2
    assert f"{found.samples} samples" in report(found, 5)


def work_for(seconds: float) -> None:
    """Use the processor."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        sum(range(1000))
