"""Loss curves: where they are, what is marked, what is left out; on Axes of matplotlib too."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context

import chainrule as cr
from chainrule.errors import InputError, InputTypeError
from chainrule.pictures.loss_curves import LossCurves
from tests.pictures.reading_charts import SVG, by_class, curves, history, parsed

IRIS = Path(__file__).parents[2] / "examples" / "iris.csv"
POINT = re.compile(r"(-?[\d.]+) (-?[\d.]+)")


def paths(root, style):
    """Return the points of each curve of a style; entries of the legend have one h command."""
    found = [path.attrib["d"] for path in root.iter(f"{SVG}path") if path.get("class") == style]
    return [
        np.array([(float(x), float(y)) for x, y in POINT.findall(d)]) for d in found if "h" not in d
    ]


def texts(root, name):
    return [text.text for text in by_class(root, name)]


def test_points_are_linear_in_epoch_and_loss():
    losses = [0.9, 0.5, 0.4, 0.7, 0.2]
    (points,) = paths(parsed(curves({"loss": losses}).drawing()), "line one")
    for column, values in ((0, np.arange(1, 6)), (1, np.array(losses))):
        fitted = np.polyval(np.polyfit(values, points[:, column], 1), values)
        assert np.allclose(fitted, points[:, column], atol=0.02)
    assert points[-1, 1] > points[0, 1]  # a lower loss is lower: pixels count from the top


def test_a_large_range_is_logarithmic_and_says_so():
    losses = [1e3 * 0.1**k for k in range(7)]
    root = parsed(curves({"loss": losses}).drawing())
    (points,) = paths(root, "line one")
    assert np.allclose(np.diff(points[:, 1]), np.diff(points[:, 1])[0], atol=0.02)
    assert texts(root, "y-title") == ["loss, logarithmic scale"]


def test_first_epochs_that_would_flatten_the_others_are_cut_off():
    """Losses of a report: 2 in epoch 1, then from 0.53 to 0.43."""
    losses = [2.0, 0.7, *np.linspace(0.53, 0.43, 98).tolist()]
    root = parsed(curves({"loss": losses}).drawing())
    (points,) = paths(root, "line one")
    grid = [float(line.attrib["d"].split()[1].split("H")[0]) for line in by_class(root, "grid")]
    assert min(points[:, 1]) == pytest.approx(min(grid), abs=0.01)  # where the curve comes in
    later = points[-90:, 1]
    assert np.ptp(later) > 0.6 * (max(grid) - min(grid))
    assert texts(root, "y-title") == ["loss, up to 0.55; the first epochs are above"]
    steady = np.linspace(2.0, 0.43, 100).tolist()
    root = parsed(curves({"loss": steady}).drawing())
    assert len(paths(root, "line one")[0]) == 100
    assert texts(root, "y-title") == ["loss"]
    axes = pytest.importorskip("matplotlib.pyplot").figure().subplots()
    curves({"loss": losses}).on(axes)
    assert axes.get_ylim()[1] == 0.55


def test_the_best_epoch_is_that_of_the_lowest_held_out_loss_or_the_given_one():
    falls = {"loss": [5.0, 4.0, 3.0, 2.0], "validation_loss": [5.0, 3.0, 3.5, 4.0]}
    assert curves(falls).best == (2, 3.0)
    assert curves(falls, best=3).best == (3, 3.5)
    assert curves(falls, best=9).best is None
    assert curves({"loss": [1.0]}).best is None
    root = parsed(curves(falls).drawing())
    assert "best epoch 2: 3" in texts(root, "legend")
    (held,) = paths(root, "line two")
    dots = [dot for dot in by_class(root, "best") if dot.get("r") == "4.5"]
    assert [float(dots[0].attrib[key]) for key in ("cx", "cy")] == held[1].tolist()


def test_members_are_thin_and_their_mean_is_thick():
    several = [history(20, seed) for seed in range(3)]
    root = parsed(curves(*several).drawing())
    assert len(paths(root, "thin one")) == len(paths(root, "thin two")) == 3
    (mean,) = paths(root, "line two")
    stacked = np.mean([points[:, 1] for points in paths(root, "thin two")], axis=0)
    assert np.allclose(mean[:, 1], stacked, atol=0.02)
    assert "each of 3 networks" in texts(root, "legend")


def test_of_many_members_some_are_drawn_and_all_are_in_the_mean():
    many = [{"loss": [1.0 + seed, 1.0]} for seed in range(50)]
    root = parsed(curves(*many).drawing())
    assert len(paths(root, "thin one")) == 32
    assert "32 of 50 networks" in texts(root, "legend")
    assert "loss is 25.5 after epoch 1" in (root.findtext(f"{SVG}desc") or "")  # (1 + ... + 50)/50


def test_members_that_end_earlier_leave_the_mean_to_the_epochs_of_all():
    root = parsed(curves(history(20), history(12)).drawing())
    assert len(paths(root, "line one")[0]) == 12
    assert sorted(map(len, paths(root, "thin one"))) == [12, 20]


def test_what_is_not_finite_is_a_gap():
    nan, inf = float("nan"), float("inf")
    root = parsed(curves({"loss": [3.0, 2.0, nan, 1.5, inf, 1.2, 1.1]}).drawing())
    assert [len(points) for points in paths(root, "line one")] == [2, 2]
    assert len([dot for dot in by_class(root, "dot") if dot.get("r") == "2.6"]) == 1
    assert "no values that can be drawn" in curves({"loss": [nan, nan]}).drawing().svg


def test_a_loss_without_penalties_is_named():
    found = curves({"loss": [2.0, 1.5], "data_loss": [1.0, 0.5]})
    assert found.training == ([1.0, 0.5],)
    assert texts(parsed(found.drawing()), "y-title") == ["loss without penalties"]
    assert texts(parsed(curves(history(5)).drawing()), "y-title") == ["loss"]


def test_a_long_history_is_thinned_to_what_can_be_seen():
    generator = np.random.default_rng(0)
    losses = 1.0 + 0.2 * generator.random(50_000)
    losses[31_415] = 9.0
    started = time.perf_counter()
    root = parsed(curves({"loss": losses.tolist()}).drawing())
    assert time.perf_counter() - started < 5
    (points,) = paths(root, "line one")
    assert len(points) <= 4 * 400
    assert points[:, 1].min() < np.sort(points[:, 1])[1] - 50  # the one peak is there


def test_a_chinese_picture_has_no_english_words():
    svg = curves(*(history(20, seed) for seed in range(2))).drawing("zh").svg
    texts_only = re.sub(r"<style>.*?</style>|<[^>]+>", " ", svg, flags=re.DOTALL)
    assert not re.search("[A-Za-z]{2}", texts_only)
    assert "最佳轮次" in texts_only


def test_ax_must_be_axes():
    with pytest.raises(InputTypeError, match="`ax` must be Axes of matplotlib") as caught:
        curves({"loss": [1.0]}).on("axes")
    assert "\n" not in str(caught.value)


# -- objects with losses ---------------------------------------------------------------------------


def xor(**settings):
    X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    return cr.train(cr.Network.dense([2, 3, 1]), X, Y, validation=(X, Y), epochs=20, **settings)


def test_a_result_is_plotted_saved_and_shown(tmp_path):
    result = xor(early_stopping=cr.EarlyStopping(patience=3))
    picture = result.plot()
    assert f"best epoch {result.best_epoch}: " in picture._repr_svg_()
    picture.save(tmp_path / "losses.svg")
    assert (tmp_path / "losses.svg").read_text(encoding="utf-8") == picture.svg
    assert picture.svg in result._repr_html_()


def test_a_table_run_has_a_curve_for_each_member():
    run = cr.train_table(IRIS, "species", folds=3, epochs=4)
    assert len(run.member_histories) == 3
    means = np.mean([h["validation_loss"] for h in run.member_histories], axis=0)
    assert run.history["validation_loss"] == pytest.approx(means)
    assert len(paths(parsed(run.plot()), "thin two")) == 3


def test_estimators_are_plotted_with_their_scores():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(100, 2))
    y = X[:, 0] * X[:, 1] > 0
    fitted = cr.MLPClassifier(
        early_stopping=True, max_iter=15, n_iter_no_change=20, tol=0, random_state=0
    )
    with pytest.warns(UserWarning, match="Maximum iterations"):
        fitted.fit(X, y)
    root = parsed(fitted.plot())
    assert texts(root, "y-title") == ["loss", "score on held-out rows"]
    best = int(np.argmax(fitted.validation_scores_)) + 1
    assert [t for t in texts(root, "legend") if t.startswith("best")][1].startswith(
        f"best epoch {best}: "
    )
    (table_run,) = [cr.TableClassifier(hidden=(4,), epochs=3, random_state=0).fit(X, y)]
    assert table_run.plot().svg == table_run.run_.plot().svg


@pytest.mark.parametrize(
    ("estimator", "drawn"),
    [
        (cr.MLPClassifier(hidden_layer_sizes=(4,)), True),
        (cr.MLPRegressor(hidden_layer_sizes=(4,)), True),
        (cr.TableClassifier(preset="fast", epochs=2), True),
        (cr.MLPClassifier((4,), solver="lbfgs"), False),
    ],
    ids=lambda given: type(given).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_notebook_shows_the_diagram_and_once_it_is_fitted_the_curves(estimator, drawn):
    plain = estimator._repr_html_().count("<svg")
    X = np.random.default_rng(0).normal(size=(60, 3))
    estimator.fit(X, (X[:, 0] > 0).astype(int))
    for page in (estimator._repr_html_(), estimator._repr_mimebundle_()["text/html"]):
        assert "sk-top-container" in page
        assert page.count("<svg") == plain + drawn
        assert ("chainrule-chart" in page) == drawn
    with config_context(display="text"):
        assert "text/html" not in estimator._repr_mimebundle_()


def test_estimators_without_losses_say_so():
    X, y = np.eye(6), [0, 1] * 3
    with pytest.raises(InputError, match=r"`plot` needs losses by epoch.*'lbfgs'"):
        cr.MLPClassifier(solver="lbfgs", max_iter=500).fit(X, y).plot()
    from sklearn.exceptions import NotFittedError

    for estimator in (cr.MLPRegressor(), cr.TableRegressor()):
        with pytest.raises(NotFittedError):
            estimator.plot()


@pytest.mark.peers("matplotlib")
def test_curves_are_drawn_on_axes_of_matplotlib():
    from matplotlib.figure import Figure

    result = xor()
    ax = Figure().subplots()
    assert result.plot(ax=ax) is ax
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert np.array_equal(lines["training"].get_ydata(), result.history["data_loss"])
    assert np.array_equal(lines["held-out"].get_ydata(), result.history["validation_loss"])
    assert np.array_equal(lines["held-out"].get_xdata(), np.arange(1, 21))
    assert any(label.startswith("best epoch") for label in lines)
    several = Figure().subplots()
    LossCurves.of([history(9, seed, 1e-4) for seed in range(4)]).on(several)
    assert len(several.get_lines()) == 4 + 4 + 2 + 2
    assert several.get_yscale() == "linear"
    steep = Figure().subplots()
    curves({"loss": [100.0, 1.0]}).on(steep)
    assert steep.get_yscale() == "log"


def test_plotting_imports_no_matplotlib():
    code = (
        "import sys, chainrule as cr; cr.train(cr.Network.dense([1, 1]), [[1.0]], [1.0]).plot(); "
        "print({'matplotlib', 'polars', 'IPython'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_very_long_curve_has_few_points_and_keeps_its_ends_and_its_extremes():
    losses = 2.0 + np.random.default_rng(0).random(50_001)
    losses[[31_000, 41_000]] = 0.5, 7.0
    started = time.perf_counter()
    root = parsed(curves({"loss": losses}).drawing())
    (points,) = paths(root, "line one")
    assert time.perf_counter() - started < 5.0
    assert len(points) <= 2000
    x = points[0, 0] + (points[-1, 0] - points[0, 0]) * np.array([31_000, 41_000]) / 50_000
    lowest, highest = points[points[:, 1].argmax()], points[points[:, 1].argmin()]
    assert np.allclose([lowest[0], highest[0]], x, atol=0.02)
    assert points[-1, 0] == max(points[:, 0])
