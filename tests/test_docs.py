"""The pages of docs/: what their code prints stands in them, links lead somewhere, and GitHub shows their formulas."""

import re
from pathlib import Path

import pytest
from support.github import refused
from typer.main import get_command

from docs.pictures import FOLDER, PICTURES
from docs.refresh import NOTEBOOK, ROOT, executed, pages, refreshed
from symcell import cells, cli

PAGES = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in pages()}
EXERCISES = "docs/lessons/exercises.md"
LESSONS = {name: text for name, text in PAGES.items() if "lessons" in name and not name.endswith(("README.md", "exercises.md"))}
each_page = pytest.mark.parametrize("name", PAGES)


def prose(text):
    """A page without its code, formulas in blocks, and output."""
    return re.sub(r"(?ms)^```.*?^```$|<!--.*?-->", "", text)


@pytest.mark.parametrize("name", [name for name in PAGES if "```python" in PAGES[name] and name != "README.md"])  # see test_readme
def test_a_page_shows_what_its_code_prints(name):
    if "import torch" in PAGES[name]:
        pytest.importorskip("torch")
    assert refreshed(ROOT / name) == PAGES[name], f"run: python docs/refresh.py {name}"


def test_the_notebook_shows_what_its_code_prints():
    pytest.importorskip("nbclient")
    assert executed() == NOTEBOOK.read_text(encoding="utf-8"), "run: python docs/refresh.py docs/notebook.ipynb"


@each_page
def test_links_lead_somewhere(name):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(PAGES[name])):
        target, _, anchor = link.partition("#")
        path = (ROOT / name).parent / target if target else ROOT / name
        assert link.startswith("https://") or path.exists(), link
        if anchor:
            assert f"\n# {anchor}\n" in anchors(path.read_text(encoding="utf-8")), link


def anchors(text):
    """The headings of a page as GitHub makes anchors of them, a line each."""
    headings = re.findall(r"(?m)^#+ (.*)$", prose(text))
    return "\n" + "\n".join("# " + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings) + "\n"


@each_page
def test_github_shows_formulas_in_a_line(name):
    """Markdown takes underscores behind brackets, asterisks, and backslashes before punctuation for its own."""
    for formula in re.findall(r"\$([^$\n]+)\$", re.sub(r"`[^`\n]*`", "", prose(PAGES[name]))):
        assert not re.search(r"[})\]]_|\*|\\[^a-zA-Z]|<|^\s|\s$", formula), formula


@each_page
def test_github_shows_formulas_in_blocks(name):
    assert not refused(PAGES[name])


@each_page
def test_no_text_is_printed_by_hand(name):
    """Blocks that look like output stand behind code."""
    bare = re.findall(r"(?m)(?<!^```\n)(?<!^-->\n)(?<!^```\n\n)(?<!^-->\n\n)^```(?:text|math|py)$", PAGES[name])
    assert not bare


@each_page
def test_commands_can_be_called(name):
    commands = get_command(cli.application()).commands
    blocks = "".join(re.findall(r"(?ms)^```\n(.*?)^```$", PAGES[name]))
    for line in re.findall(r"(?m)^symcell ([a-z].*?)(?:  .*)?$", blocks) + re.findall(r"`symcell ([a-z][^`]*)`", PAGES[name]):
        command, *arguments = line.split()
        commands[command].make_context(command, arguments, resilient_parsing=not arguments)  # a command may stand alone in a sentence


def test_numbers_of_cells():
    found = {n for text in PAGES.values() for n in re.findall(r"(\d+) cells", text) if int(n) > 50}
    assert found == {str(len(cells.names()))} and f"has {len(cells.names())} of them" in PAGES["docs/tutorial.md"].replace("\n", " ")


def test_every_page_is_in_an_index():
    for name in PAGES:
        page = Path(name)
        index = page.parent.parent / "README.md" if page.name == "README.md" else page.parent / "README.md"
        assert page == Path("README.md") or f"({page.relative_to(index.parent).as_posix()})" in PAGES[index.as_posix()]


def test_lessons_are_short_and_have_their_pictures():
    assert {f"docs/lessons/{picture}.md" for picture in PICTURES} == set(LESSONS)
    assert {path.stem for path in FOLDER.glob("*.png")} == set(PICTURES)
    for name, text in LESSONS.items():
        picture = Path(name).with_suffix(".png")
        assert len(prose(text).split()) <= 500 and f"]({picture.name})" in text
        assert (ROOT / picture).stat().st_size <= 100_000


def test_every_lesson_has_exercises_with_answers():
    sections = PAGES[EXERCISES].split("\n## ")[1:]
    assert [f"docs/lessons/{s.partition('](')[2].partition(')')[0]}" for s in sections] == [
        f"docs/lessons/{link}" for link in re.findall(r"(?m)^\d+\. \[[^\]]*\]\(([^)]*)\)", PAGES["docs/lessons/README.md"])
    ]
    for section in sections:
        questions = re.findall(r"(?m)^\*\*(\d)\.\*\* ", section)
        assert questions == [str(n + 1) for n in range(len(questions))] and 2 <= len(questions) <= 4
        assert section.count("<details><summary>Answer</summary>\n\n") == section.count("\n\n</details>") == len(questions)


def test_the_calls_of_the_story_are_those_of_the_compiler():
    calls = re.search(r"tells the story in five calls: ([^.]*)\.", PAGES["docs/how-it-works.md"])[1].split(", ")
    source = (ROOT / "symcell" / "compiler.py").read_text(encoding="utf-8")
    assert len(calls) == 5 and [source.index(f"{call}(") for call in calls] == sorted(source.index(f"{call}(") for call in calls)
