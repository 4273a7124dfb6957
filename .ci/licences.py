#!/usr/bin/env python3
"""The licences and sources of all dependencies, by what their manifests say.

For machines without cargo-deny, which takes minutes to build: the same `deny.toml`, but the manifests' word for it.
cargo-deny also compares the licence texts, and knows more of what may be said.
"""

import json
import re
import subprocess
import sys
import tomllib

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def is_allowed(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met by allowed licences alone; an exception (WITH) is not one of them."""
    words = re.findall(r"[()]|[^()\s]+(?:\s+WITH\s+[^()\s]+)?", expression.replace("/", " OR "))
    logic = {"(": "(", ")": ")", "AND": "and", "OR": "or"}
    terms = [logic.get(word, str(word in allowed)) for word in words]
    try:
        return bool(eval(" ".join(terms), {"__builtins__": {}}))  # of True, False, and, or and parentheses only
    except SyntaxError:
        return False


def main() -> int:
    with open("deny.toml", "rb") as file:
        allowed = set(tomllib.load(file)["licenses"]["allow"])
    found = []
    for manifest in ["Cargo.toml", "no-std-proof/Cargo.toml"]:
        command = ["cargo", "metadata", "--locked", "--all-features", "--format-version", "1"]
        metadata = subprocess.run([*command, "--manifest-path", manifest], check=True, stdout=subprocess.PIPE)
        for package in json.loads(metadata.stdout)["packages"]:
            name = f"{package['name']} {package['version']}"
            if not is_allowed(package["license"] or "", allowed):
                found.append(f"{name}: its licence is {package['license']}")
            if package["source"] not in (None, CRATES_IO):
                found.append(f"{name}: it comes from {package['source']}")
    print("\n".join(sorted(set(found))) or "licences and sources are those of deny.toml")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
