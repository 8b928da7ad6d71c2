#!/usr/bin/env python3
"""Downloads the Debian packages of `pictures.json` and lists the pictures whose licence puts no condition on what is learnt from them.

    fetch.py FOLDER      writes FOLDER/pictures.tsv: path, package, licence, author

A picture is taken only if the package's machine-readable copyright file, or a statement that `pictures.json` quotes, says CC0, public
domain or CC-BY. Nothing is taken on a package's general licence.
"""
import argparse
import csv
import fnmatch
import json
import re
import subprocess
from pathlib import Path

NO_PICTURES = re.compile(r"_(nm|glossy|alpha|normal|gloss)\.jpg$")
"""Maps of surfaces and transparencies among the textures."""
FREE = re.compile(r"^(CC0(-1\.0)?|public-domain|PD|CC-BY-[234]\.\d)$", re.IGNORECASE)


def download(package: str, folder: Path) -> Path:
    """Fetches and unpacks one package; returns the folder that it is unpacked in."""
    unpacked = folder / package
    if unpacked.exists():
        return unpacked
    subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg", "-x", archive, unpacked], check=True)
    archive.unlink()
    return unpacked


def read_copyright(unpacked: Path) -> list[tuple[list[str], str, str]]:
    """The stanzas of a DEP-5 copyright file: patterns, licence, author. Later ones win."""
    stanzas = []
    for file in unpacked.glob("usr/share/doc/*/copyright"):
        for text in re.split(r"\n\s*\n", file.read_text(errors="replace")):
            files = re.search(r"^Files:\s*(.*?)(?=^\S|\Z)", text, re.S | re.M)
            licence = re.search(r"^License:\s*(.*)$", text, re.M)
            author = re.search(r"^Copyright:\s*(.*?)(?=^\S|\Z)", text, re.S | re.M)
            if files and licence:
                who = " ".join(author[1].split()) if author else ""
                stanzas.append((files[1].split(), licence[1].strip(), who))
    return stanzas


def find_licence(path: str, stanzas: list[tuple[list[str], str, str]]) -> tuple[str, str] | None:
    """Licence and author of a file; source trees hold files under shorter paths than packages do."""
    found = None
    for patterns, licence, author in stanzas:
        for pattern in patterns:
            tail = pattern.removeprefix("./")
            names = [tail, tail.split("/", 1)[-1]] if re.match(r"\d\d\.\d\d/", tail) else [tail]
            if any(fnmatch.fnmatch("/" + path, "*/" + name) for name in names) and pattern != "*":
                found = (licence, author)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    listing = json.loads((Path(__file__).parent / "pictures.json").read_text())
    rows = []
    for group in listing["pictures"]:
        unpacked = download(group["package"], folder)
        stanzas = read_copyright(unpacked)
        for file in sorted(unpacked.rglob("*.jpg")):
            path = str(file.relative_to(unpacked))
            if NO_PICTURES.search(path) or not any(fnmatch.fnmatch("/" + path, glob) for glob in group["files"]):
                continue
            stated = (group["licence"], group["statement"]) if "licence" in group else find_licence(path, stanzas)
            if stated and FREE.match(stated[0]):
                rows.append((file, group["package"], *stated))
    with open(folder / "pictures.tsv", "w", newline="") as out:
        csv.writer(out, delimiter="\t").writerows(rows)
    print(f"{len(rows)} pictures in {folder / 'pictures.tsv'}")


if __name__ == "__main__":
    main()
