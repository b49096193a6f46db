"""Build distributions of a tree, and find interpreters to install them into."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def build(kind: str, tree: Path, folder: Path) -> Path:
    """Build a wheel or an sdist of `tree`; return its file."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=tree,
        check=True,
        capture_output=True,
    )
    (file,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return file


def modules(package: Path) -> Iterator[str]:
    """Yield the dotted name of every module of a package, linked folders included."""
    for folder, _, files in os.walk(package, followlinks=True):
        for file in files:
            if file.endswith(".py"):
                path = Path(folder, file).relative_to(package.parent).with_suffix("")
                yield ".".join(path.parts).removesuffix(".__init__")


def interpreter(version: str) -> str | None:
    """Return an interpreter of `version` (3.12) that runs, on the path or beside this one."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    installed = Path(sys.base_prefix).parent  # where a version manager keeps them side by side
    candidates = [f"python{version}", *sorted(map(str, installed.glob(f"{version}.*/bin/python")))]
    return next((name for name in candidates if _runs(name)), None)


def _runs(name: str) -> bool:
    try:
        return subprocess.run([name, "-c", ""], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
