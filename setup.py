"""The one thing that pyproject.toml cannot say: on a package index README's links lead to the repository."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]


def absolute(text):
    """Markdown whose links and images to files of the repository are absolute."""
    text = re.sub(r"(!\[[^]]*\])\((?!https?://|#)([^)]+)\)", rf"\1({REPOSITORY}/raw/HEAD/\2)", text)
    return re.sub(r"(?<!!)(\[[^]]*\])\((?!https?://|#)([^) ]+\.\w+)\)", rf"\1({REPOSITORY}/blob/HEAD/\2)", text)


setup(
    long_description=absolute((ROOT / "README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
)
