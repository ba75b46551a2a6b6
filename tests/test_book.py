"""The whole book of the catalogue: it is built once, and every page is read; some are opened in a browser."""

import re
import shutil
from xml.etree import ElementTree

import pytest
from support.browser import CHROMIUM, look
from support.web_pages import Reader

from symcell import book, cells
from symcell.compiler import source_of
from symcell.site.comparison import comparison_page

SAMPLE = ("lstm", "mamba", "nas_cell", "ltc", "mlstm", "scalar_rnn")  # which a browser opens
_CHART = re.compile(r'<svg viewBox="[^"]*" role="img" class="plot".*?</svg>', re.S)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of the book, and how far its progress came."""
    folder, done = tmp_path_factory.mktemp("book"), []

    def progress(chosen):
        for cell in chosen:
            yield cell
            done.append(cell.name)

    assert book(folder, progress=progress) == folder / "index.html"
    yield folder, done
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def texts(whole):
    """Path -> the text of a page."""
    return {path: path.read_text("utf-8") for path in sorted(whole[0].rglob("*.html"))}


@pytest.fixture(scope="module")
def identifiers(texts):
    """Path -> the identifiers in a page. Quotes in text are escaped."""
    return {path: re.findall(r'\bid="([^"]*)"', text) for path, text in texts.items()}


def test_the_book_has_all_cells(whole, texts):
    folder, done = whole
    names = set(cells.names())
    assert {*done} == names and len(done) == len(names)
    assert {path.stem for path in texts if path.parent.name == "cells"} == names
    assert {path.stem for path in texts if path.parent.name == "compare"} == names - {"lstm"}
    assert texts[folder / "index.html"].count('<th scope="row">') == len(names)
    assert (folder / "modules" / "gru.py").read_text("utf-8") == source_of(cells.gru.declaration)
    following = cells.names()[cells.names().index("lstm") + 1]
    assert f'href="{following}.html" rel="next"' in texts[folder / "cells" / "lstm.html"]
    assert sum(path.stat().st_size for path in folder.rglob("*.*")) < 30e6


def test_links_lead_somewhere_and_identifiers_are_unique(texts, identifiers):
    for path, text in texts.items():
        assert len(identifiers[path]) == len({*identifiers[path]}), path.name
        links = {*re.findall(r'\bhref="([^"]*)"', text)}
        assert len(links) > 5 or path.parent.name == "compare", path.name
        for link in links:
            file, _, fragment = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file() and (not fragment or fragment in identifiers[target]), (path.name, link)


@pytest.mark.parametrize("folder", ["cells", "compare"])
def test_elements_begin_and_end(folder, whole, texts, identifiers):
    for name in SAMPLE[folder == "compare":]:
        path = whole[0] / folder / f"{name}.html"
        assert Reader(texts[path]).ids == identifiers[path]
    Reader(texts[whole[0] / "index.html"])


def test_pages_have_all_lines_of_the_derivation(whole, identifiers):
    for name in ("lstm", "gru", "mamba", "gla", "slstm", "lstm_1997", "scalar_rnn"):
        lines = {line.key for line in cells.get(name).derive().article().lines}
        assert lines <= {*identifiers[whole[0] / "cells" / f"{name}.html"]}, name


def test_no_tex_is_left_and_nothing_from_elsewhere_is_needed(texts):
    for path, text in texts.items():
        words = re.sub(r"<(pre|script|style)\b.*?</\1>", "", text, flags=re.S)
        assert not re.search(r"\\[a-zA-Z]", words), path.name
        assert not re.search(r"https?://(?!www\.w3\.org)", text), path.name


def test_formulas_are_well_formed(texts):
    for path, text in texts.items():
        formulas = re.findall(r"<math.*?</math>", text, re.S)
        assert len(formulas) > (10 if path.name != "index.html" else 100), path.name
        ElementTree.fromstring(f"<all>{''.join(formulas)}</all>")


def test_every_page_has_its_charts(texts):
    """Small ones, of lines that were measured."""
    of_gates, brief = 0, set()
    for path, text in texts.items():
        charts = [ElementTree.fromstring(chart) for chart in _CHART.findall(text)]
        assert all(len(chart) < 30_000 for chart in _CHART.findall(text)), path.name
        assert bool(charts) == (path.parent.name == "cells"), path.name
        for chart in charts:
            assert chart[0].tag == "title" and chart[1].tag == "desc" and path.stem in chart[0].text
            lines = [e.get("d").count("L") for e in chart.iter("path") if e.get("class").startswith("series own")]
            assert lines, path.name
            brief |= {path.stem} if max(lines) < 6 else set()
            assert not chart.findall(".//*[@id]") and not chart.findall(".//image")
        of_gates += len(charts) > 1
    assert of_gates > 60
    assert brief <= {"ctrnn", "ltc"}  # whose gradients leave what is drawn within a few steps


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_pages_in_a_browser(whole, tmp_path):
    """No word on the console, no sideways scroll on a telephone or a desk; the text of charts stays in them and can be read."""
    folder, alone, beside = whole[0], tmp_path / "alone.html", tmp_path / "beside.html"
    alone.write_text(cells.slstm.derive().html(), encoding="utf-8")
    beside.write_text(comparison_page(cells.lstm, cells.gru), encoding="utf-8")
    pages = [folder / "index.html", *(folder / "cells" / f"{name}.html" for name in SAMPLE), folder / "compare" / "mamba.html", alone, beside]
    script = """
    const wide = [...page.querySelectorAll(".formula, .beside td")].filter((e) => e.scrollWidth > e.clientWidth + 1 && !e.querySelector("mtable"));
    const outside = (b, box) => b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1;
    const odd = [...page.querySelectorAll(".plot text")].filter((e) => {
      const place = e.getBoundingClientRect();
      return place.height < 10 || outside(place, e.closest("svg").getBoundingClientRect());
    });
    const value = [...wide, ...odd].map((e) => e.textContent);
    """
    found, console = look(pages, (400, 1280), tmp_path, script)
    assert not console
    assert [f for f in found if f["needs"] > f["width"]] == [] and {f["width"] for f in found} == {400, 1280}
    assert all(f["formulas"] > 10 for f in found)
    assert [f for f in found if f["value"]] == []  # formulas in a line that need more room than there is, text outside of its chart


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_index_sorts_and_searches(whole, tmp_path):
    script = """
    const year = page.querySelectorAll("thead button")[1], shown = () => [...page.querySelectorAll("tbody tr")].filter((r) => !r.hidden);
    const years = () => shown().map((r) => Number(r.cells[1].textContent));
    year.click(); const up = years(); year.click(); const down = years();
    const search = page.querySelector("#search"); search.value = "gers learning to forget"; search.dispatchEvent(new Event("input"));
    const value = [up, down, shown().map((r) => r.cells[0].textContent), page.querySelector("#count").textContent];
    """
    (result,), console = look([whole[0] / "index.html"], (1280,), tmp_path, script)
    up, down, found, count = result["value"]
    assert not console
    assert up == sorted(up) and down == sorted(down, reverse=True) and len(up) == len(down) == len(cells.names())
    assert "lstm" in found and "gru" not in found and count == f"{len(found)} cell{'s' * (len(found) > 1)}"
