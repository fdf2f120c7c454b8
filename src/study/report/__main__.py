"""Draws the report of a fortet study: python3 <this folder> RESULTS [--animation]."""
import argparse
import pathlib
import sys

import data
import figures
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
    folder.mkdir(exist_ok=True)
    drawn = figures.draw_all(study, folder, arguments.animation)
    page.write(study, drawn, folder / "report.html")
    print(f"{folder / 'report.html'} ({len(drawn)} pictures)")


main()
