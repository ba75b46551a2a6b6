"""The cells that stand for all where tests cost seconds a cell."""

from pathlib import Path

from support.representatives import features, representatives

from symcell import cells

GENERATED = Path(__file__).parent.parent / "generated"


def test_few_cells_have_all_that_any_cell_has():
    chosen, all_features = representatives(), {name: features((GENERATED / f"{name}.py").read_text("utf-8")) for name in cells.names()}
    assert set().union(*all_features.values()) == set().union(*(all_features[name] for name in chosen))
    assert 3 < len(chosen) <= len(cells.names()) / 3


def test_features_tell_modules_apart():
    texts = {name: (GENERATED / f"{name}.py").read_text("utf-8") for name in ("lstm", "gru", "gla")}
    assert len({frozenset(features(text)) for text in texts.values()}) == 3
    of_lstm = features(texts["lstm"])
    assert {("runtime", "sigmoid"), ("forward", "calls", "tanh"), ("forward_step_row", "loops", 1), ("states", 1), ("params", 2)} <= of_lstm
    assert ("states", 3) in features(texts["gla"]) - of_lstm
    assert features(texts["lstm"].replace("tanh(c)", "cosh(c)")) - of_lstm == {("forward", "calls", "cosh")}
