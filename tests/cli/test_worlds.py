"""``pilotfish worlds`` as a user calls it."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pilotfish.cli.worlds import app
from pilotfish.worlds.maps.load import load_maps


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return call


def test_make_show_check(run, tmp_path):
    made = run(
        "make", "mazes", "density=0.8", "--size", "21", "--seed", "5", "--count", "3", "-o", "mazes.yaml"
    )
    assert made.exit_code == 0 and "3 maps: mazes.yaml" in made.output
    assert [grid.name for grid in load_maps(tmp_path / "mazes.yaml")] == [
        f"mazes-21x21-s{s}" for s in (5, 6, 7)
    ]

    shown = run("show", "mazes.yaml", "-o", "sheet.png")
    assert shown.exit_code == 0 and "mazes-21x21-s6" in shown.output and "100.0%" in shown.output
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.width > 600

    checked = run("check", "mazes.yaml")
    assert checked.exit_code == 0 and "3 maps read, 0 errors, 0 warnings" in checked.output


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["random", "-o", "one.map"], ["one.map"]),
        (["warehouses", "-o", "one.txt"], ["one.txt"]),
        (["hybrid", "--size", "60", "-o", "one.png"], ["one.png"]),
        (["rooms", "--format", "ros", "-o", "one.yaml"], ["one.pgm", "one.yaml"]),
    ],
)
def test_make_writes_each_format(run, tmp_path, words, files):
    assert run("make", *words).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert len(load_maps(tmp_path)) == 1


def test_make_writes_a_folder_of_images_that_show_and_check_take(run, tmp_path):
    made = run("make", "complex", "--size", "80", "--count", "3", "--format", "image", "-o", "caves/")
    assert made.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "caves").iterdir()) == [
        f"complex-80x80-s{seed}.png" for seed in range(3)
    ]
    np.testing.assert_array_equal(
        load_maps(tmp_path / "caves")[1].walls, load_maps("gen:complex?size=80&seed=1")[0].walls
    )
    assert "complex-80x80-s2" in run("show", "caves", "-o", "sheet.png").output
    checked = run("check", "caves")
    assert checked.exit_code == 0 and "3 maps read, 0 errors, 0 warnings" in checked.output
    with Image.open(tmp_path / "caves" / "complex-80x80-s1.png") as picture:
        picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "caves" / "turned.png")
    checked = run("check", "caves")
    assert "turned: the walls are those of complex-80x80-s1" in checked.output
    assert "4 maps read, 0 errors, 1 warnings" in checked.output


def test_make_without_a_file_prints_what_loads_again(run, tmp_path):
    (tmp_path / "printed.yaml").write_text(run("make", "warehouses", "--count", "2").stdout)
    printed, made = load_maps(tmp_path / "printed.yaml"), load_maps("gen:warehouses?seed=0-1")
    for one, other in zip(printed, made, strict=True):
        assert (
            one.name == other.name and (one.walls == other.walls).all() and (one.goals == other.goals).all()
        )


def test_make_explains_knobs(run):
    assert "aisle_width: between two rows of shelves" in run("make", "warehouses", "--knobs").output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["make", "mazes", "density"], "knobs are KEY=VALUE, got 'density'"),
        (["make", "maze"], "did you mean 'mazes'"),
        (["make", "mazes", "--count", "2", "-o", "two.map"], "holds one map, got 2"),
        (["show", "warehouse", "-o", "warehouse.jpg"], "pictures are .png"),
        (["show", "nowhere.map"], "no such file or folder"),
    ],
)
def test_mistakes_are_value_errors_which_the_command_says_in_a_line(run, words, message):
    result = run(*words)
    assert isinstance(result.exception, ValueError) and message in str(result.exception)


def test_show_prints_a_single_map(run):
    shown = run("show", "warehouse-small")
    assert shown.exit_code == 0 and "15x23" in shown.output and "#####" in shown.output


def test_check_reports_every_broken_file_and_fails(run, tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "good.txt").write_text("...\n")
    (tmp_path / "maps" / "ragged.txt").write_text("...\n..\n")
    (tmp_path / "maps" / "strange.txt").write_text("...\n.?.\n")
    (tmp_path / "maps" / "cut.txt").write_text("@.#$\n")
    (tmp_path / "maps" / "LICENSE.txt").write_text("Do as you like\n")
    checked = run("check", "maps")
    assert checked.exit_code == 1
    assert "ragged.txt:2:3: row 2 has 2 characters" in checked.output
    assert "strange.txt:2:2: unknown character '?'" in checked.output
    assert "cut: 1 of 2 goal cells cannot be reached" in checked.output
    assert "LICENSE.txt does not look like a map" in checked.output
    assert "2 maps read, 3 errors, 2 warnings" in checked.output


def test_check_takes_warnings_for_errors_where_asked(run):
    path = "gen:random?density=0.4&seed=0"
    assert run("check", path).exit_code == 0
    strict = run("check", path, "--strict")
    assert strict.exit_code == 1 and "disconnected parts" in strict.output


@pytest.mark.parametrize("words", [[], ["make"], ["show"], ["check"]])
def test_help_teaches_by_example(run, words):
    shown = run(*words, "--help")
    assert shown.exit_code == 0 and ("pilotfish worlds" in shown.output or "warehouse" in shown.output)
