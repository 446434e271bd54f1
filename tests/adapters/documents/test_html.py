from __future__ import annotations

import io

import pytest

from fablewright.adapters.documents.html import convert, decoded
from fablewright.adapters.documents.source import RefusedDocument, Source


def markdown(html: str | bytes) -> str:
    data = html.encode() if isinstance(html, str) else html
    return convert(Source(io.BytesIO(data), len(data), lambda: None, 1_000_000)).text


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h1>The <b>Mill</b></h1><p>It  turns.<p>Slowly", "# The **Mill**\n\nIt turns.\n\nSlowly\n"),
        ("<title>Mill</title><p>x", "# Mill\n\nx\n"),
        ("<title>Mill</title><h1>Old Mill</h1>", "# Old Mill\n"),
        ("<p>one<br>two", "one\ntwo\n"),
        ("<p>a <b> bold </b>, <i>slanted</i> and <code>x</code>", "a **bold** , *slanted* and `x`\n"),
        ("<p><b></b><b><strong>x</strong></b>", "**x**\n"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n  - c\n"),
        ("<ol><li>a<li><p>b<p>c</ol>", "1. a\n2. b\n\n   c\n"),
        ("<pre>a\n  &lt;b></pre>", "```\na\n  <b>\n```\n"),
        ("a<hr>b", "a\n\n---\n\nb\n"),
        ("<dl><dt>Ale<dd>2 cp</dl>", "**Ale**\n\n2 cp\n"),
        ("<p># no heading<p>&gt; no box<p>1. no list", "\\# no heading\n\n\\> no box\n\n1\\. no list\n"),
        ("<p>a &lt;script> b", "a &lt;script> b\n"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc\n"),
    ],
)
def test_text(html: str, expected: str) -> None:
    assert markdown(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<blockquote><p>You see<p>a mill</blockquote>", "> You see\n>\n> a mill\n"),
        ('<div class="readaloud">You see</div>', "> You see\n"),
        ('<div class="box read-aloud-text">You see</div>', "> You see\n"),
        ('<div class="stat-block"><h3>Goblin</h3><p>AC 15</div>', "> ### Goblin\n>\n> AC 15\n"),
        ("<aside>Tip</aside>", "> Tip\n"),
        ('<section class="secret" id="secret-1"><p>He lies</section>', "> [!secret] GM only\n>\n> He lies\n"),
        ('<p class="gm-only">He lies', "> [!secret] GM only\n>\n> He lies\n"),
        ("<div hidden>He lies</div>", "> [!secret] GM only\n>\n> He lies\n"),
        ('<div style="display: none">He lies</div>x', "> [!secret] GM only\n>\n> He lies\n\nx\n"),
        ("<details><summary>DM</summary>He lies</details>", "> **DM**\n>\n> He lies\n"),
        ('<div class="secretary">Ann</div>', "Ann\n"),
    ],
)
def test_boxes_and_secrets(html: str, expected: str) -> None:
    assert markdown(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            "<table><caption>Foes</caption><tr><th>Foe<th>HP<tr><td>Ape | x<td><p>7<p>8</table>",
            "**Foes**\n\n| Foe | HP |\n| --- | --- |\n| Ape \\| x | 7 8 |\n",
        ),
        ("<table><tr><td>only<tr><td>words</table>", "only\n\nwords\n"),
        ("<table><tr><td>a<td><table><tr><td>b<td>c</table></table>", "| a | b c |\n| --- | --- |\n"),
        ("<table></table>x", "x\n"),
        ("<p>Before<table><tr><td>a<br>b<td><ul><li>c<li>d</ul></table>After", None),
    ],
)
def test_tables(html: str, expected: str | None) -> None:
    expected = expected or "Before\n\n| a b | c d |\n| --- | --- |\n\nAfter\n"
    assert markdown(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="people/osric%20x.html#debts">Osric</a>', "[Osric](people/osric%20x.html#debts)\n"),
        ('<a href="a (b).md">Osric</a>', "[Osric](a%20%28b%29.md)\n"),
        ('<a href="https://example.org">Osric</a> <a href="javascript:x">y</a> <a>z</a>', "Osric y z\n"),
        ('<img src="maps/t.png" alt="Map"><img src="https://x.org/t.png" alt="Sea"><img src="x.png">', None),
    ],
)
def test_links_and_pictures(html: str, expected: str | None) -> None:
    assert markdown(html) == (expected or "![Map](maps/t.png)Sea![](x.png)\n")


def test_what_is_not_for_readers_is_left_out() -> None:
    html = (
        "<head><style>p{}</style><script>x()</script></head><nav>Menu</nav><p>Mill<!-- note --><script>y()</script>"
        "<noscript>no</noscript><svg><text>z</text></svg><button>Go</button><template>t</template>"
    )
    assert markdown(html) == "Mill\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Tür".encode("utf-8-sig"), "Tür"),
        ("Tür".encode("utf-16"), "Tür"),
        (b"<meta charset=iso-8859-2>\xb1", "<meta charset=iso-8859-2>ą"),
        (b'<?xml version="1.0" encoding="koi8-r"?>\xc1', '<?xml version="1.0" encoding="koi8-r"?>а'),  # noqa: RUF001
        (b"<meta charset=zip>caf\xe9", "<meta charset=zip>café"),
        (b"<meta charset=nonsense>\x93Caf\xe9\x94", "<meta charset=nonsense>“Café”"),
        (b"\x81\xff", "\ufffdÿ"),
    ],
)
def test_the_text_of_a_page_in_any_code(data: bytes, text: str) -> None:
    assert decoded(data) == text


def test_what_is_no_text() -> None:
    with pytest.raises(RefusedDocument, match="not a text file"):
        decoded(b"PNG\0\0")


def test_deep_nesting_is_walked_without_recursion() -> None:
    assert markdown("<span>" * 30_000 + "deep") == "deep\n"
