#!/usr/bin/env python3
"""guide.py FOLDER: writes docs/door-lock.md to standard output, from the folder that a recorded story has left.

The words stand in guide.in.md; a line there that begins with "@" is replaced by what really happened: commands with
their output, requests and answers out of the opened captures, handshakes, decisions, configuration, certificates. What
differs from run to run (times, ports, keys, identifiers given by a CSE) is replaced by names, so that two runs give one
text. A line that finds nothing is an error: the guide cannot tell what did not happen.
"""
import base64
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "system"))
sys.dont_write_bytecode = True
import wire  # noqa: E402

CAPTURES = {"lock1": "lock to gateway", "gateway": "gateway to IN-CSE", "phone": "phone to IN-CSE", "maf": "phone to MAF"}
WIDTH = 116


def die(text):
    sys.exit(f"guide: {text}")


def fence(text, language=""):
    return f"```{language}\n{text.rstrip()}\n```"


def pretty(value, indent=""):
    """JSON, on one line where it fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {pretty(one, inner)}" for key, one in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + pretty(one, inner) for one in value) + f"\n{indent}]"


class Story:
    def __init__(self, folder):
        self.folder = folder
        self.opened = {}
        self.names = {}  # what a CSE or MAF has made up -> its name in the guide
        self.ports = dict(reversed(line.split("=")) for line in self.read("guide/ports").split())

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                return file.read()
        except OSError as error:
            die(f"{name}: {error.strerror}")

    # ---- captures ----
    def chunks(self, capture):
        return [one for one in wire.connections(os.path.join(self.folder, f"{capture}.pcap")) if one]

    def exchanges(self, capture):
        """Of all connections of a capture, opened with the key log of the client, in the order of the requests."""
        if capture not in self.opened:
            log = os.path.join(self.folder, {"lock1": "lock1.keys"}.get(capture, "phone.keys"))
            self.opened[capture] = []
            for chunks in self.chunks(capture):
                session = wire.Session(chunks)
                if session.sealed[True]:
                    session.open_with_log(log)
                    self.opened[capture] += session.exchanges()
            self.opened[capture].sort(key=lambda exchange: exchange[0].place)
        return self.opened[capture]

    # ---- the same text from every run ----
    def normal(self, text):
        for port, name in self.ports.items():
            text = re.sub(rf"\b{port}\b", name, text)
        text = re.sub(r"127\.0\.0\.1:([0-9]{5})\b", "127.0.0.1:<port>", text)
        text = re.sub(r'("(?:et|expires)":\s*")[0-9]{8}T[0-9]{6}(?:,[0-9]+)?', r"\1<expiry>", text)
        text = re.sub(r"\b[0-9]{8}T[0-9]{6}\b", "<time>", text)
        text = re.sub(r'("esri":\s*"[SU]-)[a-z2-7]+', r"\1<random>", text)
        text = re.sub(r'("esrv":\s*"r)[0-9a-f]{32}', r"\1<random>", text)
        text = re.sub(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "<time>", text)
        text = re.sub(r"\b[0-9A-F]{32}(?=@)", "<KcID>", text)
        text = re.sub(r"\b[0-9A-F]{64}\b", "<hash of the certificate>", text)
        text = re.sub(r"\.[0-9A-F]{16}\b", ".<handle>", text)
        text = re.sub(r"(serial:? )[0-9A-F]+", r"\1<serial>", text)
        text = re.sub(r'((?:X-M2M-RI: |"rqi":\s*"))[^"\s]+', r"\1<request>", text)
        return re.sub(r"\b[0-9A-F]{32}\b", "<KcID>", self.rename(text))

    def rename(self, text):
        """Identifiers that a CSE makes up (acp8, pcho), numbered by their first appearance."""
        def name(match):
            key = match[0]
            if key not in self.names:
                prefix = match[1]
                count = sum(1 for other in self.names.values() if other.startswith(prefix + "-"))
                self.names[key] = f"{prefix}-{count + 1}"
            return self.names[key]
        return re.sub(self.made_up(), name, text)

    def made_up(self):
        if not hasattr(self, "pattern"):
            found = set()
            for capture in ("lock1", "phone"):
                for _, response in self.exchanges(capture):
                    found |= set(re.findall(r'"[rp]i":"((?:acp|cnt|cin|sub|pch|grp)[0-9a-z]+)"', response.body if response else ""))
            found |= set(re.findall(r'"[rp]i":"((?:acp|cnt|cin|sub|pch|grp|csr)[0-9a-z]+)"', self.read("guide/tree-lock.txt") + self.read("guide/base.txt")))
            prefix = {one: re.match("acp|cnt|cin|sub|pch|grp|csr", one)[0] for one in found}
            self.pattern = r"\b(acp|cnt|cin|sub|pch|grp|csr)(?:%s)\b(?!\"?\s*:|=|`)" % "|".join(sorted({re.escape(one[len(prefix[one]):]) for one in found}))
        return self.pattern

    # ---- what a line of the template may ask for ----
    def command(self, name, only=None):
        """Output of the story's note NAME; only: a regular expression that the command must match."""
        text = self.read(f"guide/{name}.txt")
        if only:
            parts = re.split(r"(?m)^(?=\$ )", text)
            text = "".join(part for part in parts if part and re.search(only, part.split("\n")[0]))
            if not text:
                die(f"no command of {name} matches {only}")
        lines = []
        for line in text.splitlines():
            lines.append(pretty(json.loads(line)) if re.match(r"[{\[]", line) else line)
        return fence(self.normal("\n".join(lines)), "console")

    def exchange(self, capture, *pattern):
        pattern = " ".join(pattern)
        for request, response in self.exchanges(capture):
            if response and re.search(pattern, self.http(request, json.dumps) + "\n\n" + self.http(response, json.dumps), re.S):
                return fence(self.normal(self.http(request) + "\n\n" + self.http(response)), "http")
        die(f"{capture}: no exchange matches {pattern}")

    @staticmethod
    def http(message, text=pretty):
        head = "\n".join([message.first] + [f"{name}: {value}" for name, value in message.headers if name not in ("Content-Length", "Date", "Server", "Connection")])
        return head + ("\n\n" + text(json.loads(message.body)) if message.body else "")

    def decision(self, daemon, *pattern):
        pattern = " ".join(pattern)
        for line in self.read(f"{daemon}/decisions.jsonl").splitlines():
            if re.search(pattern, line):
                return fence(self.normal(pretty(json.loads(line))), "json")
        die(f"{daemon}: no decision matches {pattern}")

    def config(self, name, *sections):
        """Sections of a configuration file, all if none is named."""
        parts = re.split(r"(?m)^(?=\[)", self.read(name))
        wanted = [part for part in parts if part and (not sections or part.split("]")[0].strip("[") in sections)]
        if not wanted:
            die(f"{name} has no section {sections}")
        return fence(self.normal("".join(wanted)), "toml")

    def certificate(self, name):
        pem = re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END", self.read(name), re.S)[1]
        text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text", "-certopt", "no_pubkey,no_sigdump,no_serial,no_version"],
                              input=base64.b64decode(pem), stdout=subprocess.PIPE, check=True).stdout.decode()
        text = re.sub(r"(Not (?:Before|After) ?: ).*", r"\1<time>", text)
        text = re.sub(r"([0-9A-F]{2}:){15,}[0-9A-F]{2}", "<key identifier>", text)
        text = re.sub(r"(?m)[ \t]+$", "", text)
        return fence(self.normal(f"$ openssl x509 -in {name} -noout -text -certopt no_pubkey,no_sigdump,no_serial,no_version\n{text}"), "console")

    def handshake(self, capture):
        session = wire.Session(self.chunks(capture)[0])
        hello, answer = session.client_hello(), session.server_hello()
        details = {
            (True, wire.HELLO): f"version {hello['version']:#06x}, offers " + ", ".join(f"`{suite:#06x}`" for suite in hello["suites"]),
            (False, wire.SERVER_HELLO): f"version {answer['version']:#06x}, chooses `{answer['suite']:#06x}` {wire.SUITE_NAMES[answer['suite']]}, compression {answer['compression']}",
            (False, wire.DONE): "empty",
            (False, wire.REQUEST): "ECDSA with SHA-256; names the trusted issuer",
            (False, wire.SERVER_KEY): "a point of secp256r1, signed",
            (True, wire.VERIFY): "ECDSA with SHA-256 over all messages so far",
        }
        if answer["suite"] == 0x00AE:
            details[(True, wire.CLIENT_KEY)] = f"psk_identity `{session.message(wire.CLIENT_KEY, True).body[2:].decode()}`"
        else:
            details[(True, wire.CLIENT_KEY)] = "a point of secp256r1"
            for side in (True, False):
                names = [subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253"], input=der, stdout=subprocess.PIPE,
                                        check=True).stdout.decode().strip().removeprefix("subject=") for der in session.certificates(side)]
                details[(side, wire.CERTIFICATE)] = ", then ".join(f"`{name}`" for name in names)
        rows, sealed = ["| | record | message | what it says |", "|---|---|---|---|"], set()
        messages = iter(session.messages)
        for record in session.records:
            arrow = "→" if record.from_client else "←"
            kind = f"{record.type:#04x} {record.version:#06x}"
            if record.type == wire.CHANGE:
                sealed.add(record.from_client)
                rows.append(f"| {arrow} | {kind} | ChangeCipherSpec | from here on sealed |")
            elif record.type == wire.HANDSHAKE and record.from_client in sealed:
                rows.append(f"| {arrow} | {kind} | (Finished) | sealed |")
            elif record.type == wire.HANDSHAKE:
                size = 0
                while size < len(record.body):
                    message = next(messages)
                    size += len(message.whole)
                    rows.append(f"| {arrow} | {kind} | {message.name()} `{message.type:#04x}` | {details.get((message.from_client, message.type), '')} |")
            elif record.type == wire.DATA:
                rows.append(f"| {arrow} | {kind} | (application data) | sealed, and so are all that follow |")
                break
        return self.normal("\n".join(rows))

    def sealed(self, capture):
        """The first request of a capture as an eavesdropper has it, and as the holder of the key."""
        session = wire.Session(self.chunks(capture)[0])
        record = next(record for record in session.sealed[True] if record.type == wire.DATA)
        text = (f"17 03 03 <2 octets of length>    application data of TLS 1.2\n<16 octets>                      initialization vector, new in each record\n"
                f"<whole blocks of 16 octets>      AES-128-CBC\n<32 octets>                      HMAC-SHA-256\n")
        if (len(record.body) - 48) % 16 != 0:
            die("a record is not what the guide says")
        return fence(text)

    def wire(self):
        """What tests/system/check_wire.py said of the recordings."""
        lines = [line.replace("+ ", "- ", 1) for line in self.read("wire.txt").splitlines() if line.startswith("+ ")]
        return re.sub(r"\b[0-9]+ (requests|names|recorded)", r"<n> \1", self.normal("\n".join(lines)))

    def tree(self, name):
        """The resources of an answer to rcn=4."""
        body = json.loads(self.read(f"guide/{name}.txt").splitlines()[2])
        lines = []

        def walk(element, resource, depth):
            notes = []
            for key in ("lbl", "acpi", "nu", "con"):
                if key in resource:
                    value = resource[key]
                    notes.append(f"{key}={','.join(value) if isinstance(value, list) else value}")
            own = resource["rn"] if element != "m2m:cin" else "(instance)"
            lines.append(f"{'    ' * depth}{own}  <{element.removeprefix('m2m:')}>" + (f"  {' '.join(notes)}" if notes else ""))
            seen = set()
            for key, value in resource.items():
                if key.startswith("m2m:"):
                    for child in value if isinstance(value, list) else [value]:
                        if key == "m2m:cin" and key in seen:
                            continue  # one instance stands for all: how many there are is a matter of time
                        seen.add(key)
                        walk(key, child, depth + 1)
        for element, resource in body.items():
            walk(element, resource, 0)
        return fence(self.normal("\n".join(lines)))

    def policy(self, name, rn):
        """One <accessControlPolicy> of an answer to rcn=4."""
        body = json.loads(self.read(f"guide/{name}.txt").splitlines()[2])
        policies = next(iter(body.values())).get("m2m:acp", [])
        for policy in policies if isinstance(policies, list) else [policies]:
            if policy["rn"] == rn:
                return fence(self.normal(pretty({key: policy[key] for key in ("rn", "pv", "pvs")})), "json")
        die(f"no policy {rn}")

    def refusals(self):
        rows = ["| what was tried | the peer is told | what the daemon writes down |", "|---|---|---|"]
        for line in self.read("guide/refusals.tsv").splitlines():
            what, daemon, reason, answer = line.split("\t")
            rows.append(f"| {what} | `{answer}` | {daemon}: {reason} |")
        return self.normal("\n".join(rows))

    def impersonations(self):
        return "\n".join(line for line in self.refusals().split("\n") if re.match(r"\| what|\|---|.* (speaks|registers) as |.*CSE's name", line))

    def associations(self):
        """Who proved what to whom, from the decision logs."""
        rows, seen = ["| who | to | suite | framework | Credential-ID |", "|---|---|---|---|---|"], set()
        for daemon, title in (("mn", "gateway"), ("in", "IN-CSE"), ("maf", "MAF")):
            for line in self.read(f"{daemon}/decisions.jsonl").splitlines():
                event = json.loads(line)
                if event["event"] != "handshake_accepted" or event.get("operation") != "accept":
                    continue
                credential = self.normal(event["credential_id"])
                framework = "certificate"
                if "_PSK_" in event["target"]:
                    framework = "provisioned key" if credential.startswith("12-") else "key from the MAF"
                row = f"| `{event['originator']}` | {title} | {event['target']} | {framework} | `{credential}` |"
                if row not in seen:
                    seen.add(row)
        order = ["Clock-AE1", "Clock-AE2", "mn-cse-123456` | IN-CSE", "Cphone", "in-cse` | gateway", "in-cse` | MAF", "10011` | MAF"]
        for word in order:
            for row in sorted(seen):
                if word in row and row not in rows:
                    rows.append(row)
        return "\n".join(rows)


def main(folder):
    story = Story(folder)
    with open(os.path.join(HERE, "guide.in.md"), encoding="utf-8") as file:
        asked = False
        for line in file.read().splitlines():
            if line.startswith("@"):
                what, *arguments = line[1:].split()
                print(("\n" if asked else "") + getattr(story, what)(*arguments))
            else:
                print(line)
            asked = line.startswith("@")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except wire.WireError as error:
        die(str(error))
