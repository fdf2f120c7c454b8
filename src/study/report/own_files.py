"""The folder of the report belongs to the user: what fortet did not draw is neither overwritten nor removed, no link is followed."""
import json
import os
import stat
import zlib

LIST, FORMAT = ".fortet.files", "fortet files 1"  # as in the folder of the results


def is_plain_file(file):
    return os.path.lexists(file) and stat.S_ISREG(os.lstat(file).st_mode)


def checksum(file):
    return f"{zlib.crc32(file.read_bytes()):08x}"


def listed(folder):
    """Checksums of the files that fortet drew, by name; of the files of version 0.1, which left no list, None."""
    if is_plain_file(folder / LIST):
        try:
            known = json.loads((folder / LIST).read_text(encoding="utf-8"))
            if known["format"] == FORMAT:
                return known["files"]
        except (ValueError, KeyError, TypeError):
            pass
    page = folder / "report.html"
    if is_plain_file(page):
        text = page.read_text(encoding="utf-8", errors="replace")
        if text.startswith("<!doctype html><meta charset=utf-8><title>") and ", fortet 0.1" in text:
            return None
    return {}


def write(file, text):
    unfinished = file.with_name(f".fortet.{file.name.removeprefix('.fortet.')}.part")
    unfinished.unlink(missing_ok=True)
    with open(unfinished, "x", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(unfinished, file)


def place(drawn, folder):
    """Moves all files of one folder into another. Returns the names in the way that are not fortet's; then nothing was changed."""
    if os.path.lexists(folder) and not stat.S_ISDIR(os.lstat(folder).st_mode):
        return [folder.name]
    folder.mkdir(exist_ok=True)
    files = {file.name: [checksum(file)] for file in sorted(drawn.iterdir())}
    known = listed(folder)

    def is_own(name):
        return is_plain_file(folder / name) and (known is None or checksum(folder / name) in known.get(name, []))

    foreign = [name for name in files if os.path.lexists(folder / name) and not is_own(name)]
    if foreign:
        return foreign
    for name in known or {}:  # an earlier report had other pictures
        if name not in files and is_own(name):
            (folder / name).unlink()
    write(folder / LIST, json.dumps({"format": FORMAT, "files": {name: (known or {}).get(name, [])[-1:] + new for name, new in files.items()}}, indent=1) + "\n")
    for name in files:
        with open(drawn / name, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(drawn / name, folder / name)
    return []
