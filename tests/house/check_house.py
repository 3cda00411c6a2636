#!/usr/bin/env python3
"""What the compiler cannot check: include direction, libraries kept to their place, links in documents, markers of unfinished work.

usage: check_house.py ROOT [--self-test]
Exit status 1 with one line per finding.
"""
import pathlib, re, sys

# An arrow of the design: library -> libraries it may include (transitively closed below).
MAY = {
    "base": [], "crypto": ["base"], "pki": ["crypto"], "codec": ["crypto"], "secure_env": ["crypto"], "tls": ["pki", "secure_env"],
    "store": ["base"], "jose": ["codec"], "xmlsec": ["jose"], "e2e": ["jose", "xmlsec", "tls", "secure_env"], "authz": ["jose", "secure_env"], "bind": ["codec", "tls"], "client": ["bind", "e2e"],
    "cse": ["authz", "store", "client"], "maf": ["authz", "store", "client"],
    "das": ["authz", "store", "client"],
}
# A client is tested against the real other side: its tests, not its product, stand above that.
TESTS_MAY = {"client": ["maf"]}
# Third-party headers and the only libraries that may include them.
ONLY_IN = {r"openssl/": {"crypto", "pki"}, r"gnutls/": {"tls"}, r"sqlite3": {"store"}, r"maxminddb": {"cse"}, r"boost/(asio|beast)": {"bind"},
           r"toml\+\+/": {"base"}, r"spdlog/": {"base"}, r"unicode/": {"crypto"}, r"libxml/": {"xmlsec"}}
# Heavy headers that no public header may pull in.
NOT_PUBLIC = r"boost/(asio|beast)|toml\+\+/|CLI/|spdlog/|openssl/|gnutls/|sqlite3|maxminddb|libxml/"
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")


def closure(lib):
    seen, todo = set(), [lib]
    while todo:
        for dep in MAY[todo.pop()]:
            if dep not in seen:
                seen.add(dep)
                todo.append(dep)
    return seen


def check_source(lib, path, text, public, product):
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path}:{number}"
        match = INCLUDE.match(line)
        if match:
            header = match.group(1)
            if header.startswith("latchkey/"):
                other = header.split("/")[1]
                allowed = closure(lib) | set(() if product else TESTS_MAY.get(lib, ()))
                allowed |= set().union(*(closure(extra) for extra in allowed - closure(lib)))
                if other != lib and other not in allowed:
                    yield f"{where}: {lib} may not include {header}"
            elif product:
                for pattern, libs in ONLY_IN.items():
                    if re.match(pattern, header) and lib not in libs:
                        yield f"{where}: {header} belongs only in {sorted(libs)}"
                if public and re.match(NOT_PUBLIC, header):
                    yield f"{where}: {header} may not stand in a public header"
        if UNFINISHED.search(line):
            yield f"{where}: marker of unfinished work without an issue number"


def check(root):
    for folder in sorted((root / "libs").iterdir()):
        lib = folder.name.replace("-", "_")
        if lib not in MAY:
            yield f"{folder}: not in the dependency graph"
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".h", ".cpp"):
                part = path.relative_to(folder).parts[0]
                yield from check_source(lib, path.relative_to(root), path.read_text(encoding="utf-8"), part == "include", part != "tests")
    documents = [p for p in root.glob("*.md")] + sorted((root / "docs").rglob("*.md")) + sorted((root / "libs").glob("*/README.md"))
    for path in documents:
        for target, _ in LINK.findall(path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                yield f"{path.relative_to(root)}: dead link {target}"


def self_test():
    """The checks find what they are for."""
    bad = [("base", '#include "latchkey/crypto/crypto.h"', False), ("codec", "#include <openssl/evp.h>", False),
           ("bind", "#include <boost/asio/io_context.hpp>", True), ("tls", "// TO" + "DO later", False)]
    good = [("crypto", '#include "latchkey/base/bytes.h"', True), ("cse", '#include "latchkey/base/ids.h"', True), ("pki", "#include <openssl/x509.h>", False)]
    for lib, line, public in bad:
        assert list(check_source(lib, "x", line, public, True)), line
    for lib, line, public in good:
        assert not list(check_source(lib, "x", line, public, True)), line


self_test()
findings = list(check(pathlib.Path(sys.argv[1])))
print("\n".join(findings) if findings else "house: in order")
sys.exit(1 if findings else 0)
