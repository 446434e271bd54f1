"""Make the keys of a bus: ``python deploy/make_keys.py deploy/keys``, once, on a machine that you trust.

It writes one secret seed a role (``front.seed``: for that process alone, readable by nobody else) and ``keys.conf``
with the public keys, which ``nats.conf`` includes. Keys that are there stay as they are; to exchange one, delete its
seed, run it again, and let the server read its configuration anew: ``nats-server --signal reload``.
"""

from __future__ import annotations

import re
import secrets
import sys
from pathlib import Path

try:
    import nkeys
except ModuleNotFoundError:
    sys.exit("nkeys is not installed; run: pip install 'fablewright[nats]'")


def main(folder: Path) -> None:
    """Write what is missing, and the list of the public keys."""
    roles = re.findall(r"nkey: \$(\w+)", Path(__file__).with_name("nats.conf").read_text("utf-8"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = []
    for role in roles:
        file = folder / f"{role}.seed"
        if not file.exists():
            file.touch(mode=0o600, exist_ok=False)
            file.write_bytes(nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER))
        pair = nkeys.from_seed(bytearray(file.read_bytes().strip()))
        lines.append(f"{role}: {pair.public_key.decode()}\n")
        pair.wipe()
    (folder / "keys.conf").write_text("".join(lines), "utf-8")
    print(f"{len(roles)} keys are in {folder}; keys.conf is what the NATS server needs of them.")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("Usage: python make_keys.py FOLDER")
    main(Path(sys.argv[1]))
