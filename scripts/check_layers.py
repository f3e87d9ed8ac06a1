#!/usr/bin/env python3
"""Checks that every include goes down the table of src/README.md.

The table's rows say which folders a folder may include and which public headers belong to it. An
include of another folder, of another folder's public header above, or of a folder without a row is
an error. Exit code 1 with one line per offence.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Compiled with an instruction set's flags: a weak template instance from any other header could
# replace the portable one for the whole program.
PER_ISA_FILE = re.compile(r"_avx\w*\.(cc|inc)$|_impl\.inc$")
PER_ISA_HEADERS = {"immintrin.h", "cstddef", "cstdint"}
SOURCES = {".h", ".cc", ".inc"}
SYSTEM_INCLUDE = re.compile(r"^\s*#\s*include\s+<([^>]+)>", re.MULTILINE)
# Tests and measurements may reach across.
TEST_FILE = re.compile(r"(_test|_bench)\.(cc|inc)$|(^|/)test_[^/]*$|_test[^/]*\.h$")


def read_table(text):
    """Folder -> (folders it may include or None for everything, its public headers)."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) < 5 or not cells[0].isdigit():
            continue
        name = cells[1].strip("`").rstrip("/")
        allowed = None if cells[3] == "everything" else set(cells[3].split()) - {"std"}
        rows[name] = (allowed, set(cells[4].split()))
    return rows


def includes_of(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace"))


def check_folder(folder, path, rows, header_owner, known_files):
    """Offences of one file of src/FOLDER."""
    if TEST_FILE.search(path.name):
        return
    allowed = rows[folder][0]
    for include in includes_of(path):
        first, _, rest = include.partition("/")
        if first == "visavis":
            stem = pathlib.PurePath(rest).stem
            target = header_owner.get(stem)
            if target is None:
                yield f'include of "{include}", a public header without a row'
                continue
        elif first in rows and rest:
            target = first
        elif (path.parent / include).exists() or include in known_files:
            yield f'include of "{include}", want it from the top of src/ ("FOLDER/{include}")'
            continue
        else:
            yield f'include of "{include}", which is in no folder of the table'
            continue
        if allowed is not None and target != folder and target not in allowed:
            yield f'include of "{include}": {folder} may not include {target}'


def check_per_isa_file(path):
    if not PER_ISA_FILE.search(path.name):
        return
    for include in SYSTEM_INCLUDE.findall(path.read_text(encoding="utf-8")):
        if include not in PER_ISA_HEADERS:
            yield f"include of <{include}> in a file for one instruction set"


def main():
    rows = read_table((ROOT / "src" / "README.md").read_text(encoding="utf-8"))
    if len(rows) < 5:
        print("src/README.md: the table cannot be read")
        return 1
    header_owner = {header: name for name, (_, headers) in rows.items() for header in headers}
    offences = []

    for name, (allowed, _) in rows.items():
        for other in (allowed or set()) - rows.keys():
            offences.append(f"src/README.md: {name} may include {other}, which has no row")
    for header in sorted((ROOT / "include" / "visavis").glob("*.h")):
        owner = header_owner.get(header.stem)
        if owner is None:
            offences.append(f"include/visavis/{header.name}: belongs to no row of src/README.md")
            continue
        for problem in check_folder(owner, header, rows, header_owner, set()):
            offences.append(f"include/visavis/{header.name}: {problem}")

    checked = 0
    for folder in sorted((ROOT / "src").iterdir()):
        if not folder.is_dir():
            continue
        if folder.name not in rows:
            offences.append(f"src/{folder.name}: has no row in src/README.md")
            continue
        files = [p for p in sorted(folder.rglob("*")) if p.suffix in SOURCES]
        known = {p.name for p in files}
        for path in files:
            checked += 1
            for problem in check_folder(folder.name, path, rows, header_owner, known):
                offences.append(f"{path.relative_to(ROOT)}: {problem}")
            for problem in check_per_isa_file(path):
                offences.append(f"{path.relative_to(ROOT)}: {problem}")

    for offence in offences:
        print(offence)
    print(f"{checked} files of {len(rows)} folders checked, {len(offences)} offences")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
