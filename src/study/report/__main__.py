"""Draws the report of a fortet study: python3 <this folder> RESULTS [--animation]."""
import argparse
import pathlib
import sys
import tempfile

import data
import figures
import own_files
import page


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--animation", action="store_true")
    arguments = parser.parse_args()
    try:
        study = data.Study(arguments.results)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"{arguments.results}: {error}")
    folder = arguments.results / "report"
    with tempfile.TemporaryDirectory(prefix=".fortet.report.", dir=arguments.results) as new:
        new = pathlib.Path(new)
        drawn = figures.draw_all(study, new, arguments.animation)
        page.write(study, drawn, new / "report.html")
        foreign = own_files.place(new, folder)
    if foreign:
        sys.exit(f"{folder}: holds what fortet did not draw, under names that the report would have: {', '.join(foreign)}; move it elsewhere")
    print(f"{folder / 'report.html'} ({len(drawn)} pictures)")


main()
