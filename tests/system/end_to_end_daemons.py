#!/usr/bin/env python3
"""End-to-end security over real daemons (TS-0003 8.4, 8.7): a phone at the IN-CSE and a lock at an MN-CSE, each an AE. What the
phone asks the lock passes through both CSEs, which can read none of it: their stores, logs and answers are searched for it.
A key that the phone established with the MN-CSE itself is good after the MN-CSE was killed.

usage: end_to_end_daemons.py PROGRAMS
"""
import json, pathlib, signal, socket, subprocess, sys, tempfile, threading, time

from daemons import KEY, free_port, require

BIN = pathlib.Path(sys.argv[1])
SP = ["--sp", "//sp.example"]
PHONE, LOCK = "/in-cse/Cphone", "/mn-cse/Clock"
COMMAND, REPLY = "unlock-4711-by-the-phone", "opened-0815-by-the-lock"


def latchkey(*arguments, check=True, body=None):
    done = subprocess.run([str(word) for word in (BIN / "latchkey", *arguments)], capture_output=True, text=True, input=body)
    require(not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}")
    return done


class World:
    """Certificates of one authority for all four."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = folder / "ca"
        latchkey("pki", "root", self.ca, "--permit-dns", "sp.example", "--permit-uri", "sp.example")
        (folder / "pairwise.hex").touch(mode=0o600)
        (folder / "pairwise.hex").write_text(KEY)

    def issue(self, name, kind, identity):
        more = ["--in-cse", "/in-cse"] if identity == "/mn-cse" else []
        latchkey("pki", "issue", "--ca", self.ca, "--key", self.folder / f"{name}.key", "--out", self.folder / f"{name}.pem", "--type", kind, "--name", identity,
                 *more, *SP)

    def key_id(self, name):
        return latchkey("pki", "key-id", self.folder / f"{name}.pem").stdout.strip()

    def credentials(self, name):
        return ["--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{name}.key", "--trust", self.ca / "ca.pem", "--in-cse", "/in-cse", *SP]


class Cse:
    def __init__(self, world, name, kind, rest):
        self.world, self.name, self.port = world, name, free_port()
        self.folder = world.folder / name
        self.log, self.local = self.folder / "decisions.jsonl", self.folder / "local.sock"
        self.folder.mkdir()
        (self.folder / "state").mkdir(mode=0o700)
        latchkey("pki", "kek", self.folder / "kek")
        world.issue(name, "cse-id", f"/{name}")
        latchkey("pki", "store-key", "--state-dir", self.folder / "state", "--kek", self.folder / "kek", "--handle", "tls", "--key", world.folder / f"{name}.key")
        self.head = f"""
[state]
dir = "{self.folder}/state"
kek_file = "{self.folder}/kek"
decision_log = "{self.log}"
[tls]
certificate = "{world.folder}/{name}.pem"
private_key = "tls"
[[tls.trust]]
file = "{world.ca}/ca.pem"
[[listen]]
name = "public"
address = "127.0.0.1"
port = {self.port}
[[listen]]
name = "local"
kind = "trusted-unix"
path = "{self.local}"
originators = ["/{name}/Cadmin"]
[cse]
type = "{kind}"
sp_id = "//sp.example"
cse_id = "/{name}"
administrator = "/{name}/Cadmin"
{rest}
"""

    def start(self, peer, more=""):
        (self.folder / "cse.toml").write_text(self.head + f"""
[[peer]]
cse_id = "/{peer.name}"
address = "127.0.0.1"
port = {peer.port}
{more}
""")
        self.again()

    def again(self):
        self.process = subprocess.Popen([BIN / "latchkey-cse", "--config", self.folder / "cse.toml"], stderr=open(self.folder / "stderr", "a"))
        for _ in range(1500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                require(self.process.poll() is None, (self.folder / "stderr").read_text())
                time.sleep(0.02)
        sys.exit(f"{self.name} does not listen")

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(20)

    def administer(self, operation, to, body=None, ty=None):
        more = ["--body", "-"] if body else []
        more += ["--ty", str(ty)] if ty else []
        done = latchkey("--json", "request", operation, to, "--from", "Cadmin", "--url", f"unix:{self.local}", *more, body=json.dumps(body) if body else None)
        return json.loads(done.stdout)

    def url(self):
        return ["--url", f"https://127.0.0.1:{self.port}", "--server", f"/{self.name}"]

    def what_it_keeps(self):
        """Everything that this CSE has written anywhere, and its memory as far as it answers from it."""
        kept = b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())
        return kept + json.dumps(self.administer("retrieve", f"/{self.name}/-")).encode()


class Listener:
    """latchkey listen, and the lines that it prints."""

    def __init__(self, *arguments):
        self.lines = []
        self.process = subprocess.Popen([str(word) for word in (BIN / "latchkey", "--json", "listen", *arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def waits_for(self, text, what):
        until(lambda: any(text in line for line in self.lines), f"{what}: {self.lines}")

    def end(self):
        self.process.terminate()
        require(self.process.wait(20) == 0, "the listener does not end in order")


def until(holds, what):
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.02)
    sys.exit("end_to_end_daemons: " + (what() if callable(what) else what))


def story(world, inc, mn):
    inc.start(mn)
    mn.start(inc, f"""
[end_to_end]
publish_certificate = true
[[end_to_end.initiator]]
id = "{PHONE}"
[[end_to_end.initiator]]
id = "/in-cse/Ctablet"
raw_key = "{world.key_id("tablet")}"
""")
    registered = ["request", "retrieve", "/in-cse/-/mn-cse", "--from", "Cadmin", "--url", f"unix:{inc.local}"]
    until(lambda: latchkey(*registered, check=False).returncode == 0, "the MN-CSE does not register")
    phone = [*inc.url(), *world.credentials("phone"), "--from", "Cphone"]
    (world.folder / "ae.json").write_text(json.dumps({"m2m:ae": {"api": "Nphone", "rr": False, "srv": ["2a", "3"]}}))
    latchkey("request", "create", "/in-cse/-", "--ty", "2", "--body", world.folder / "ae.json", *phone)

    # The lock: at its registrar over TLS with its certificate, which it shows to others too.
    (world.folder / "reply.json").write_text(json.dumps({"m2m:cnt": {"lbl": [REPLY]}}))
    lock = Listener("--from", "Clock", *mn.url(), *world.credentials("lock"), "--pairwise", f"K1,{PHONE},{world.folder}/pairwise.hex",
                    "--establish-with", PHONE, "--answer", world.folder / "reply.json")
    lock.waits_for('"listening"', "the lock does not listen")
    command = json.dumps({"m2m:cnt": {"lbl": [COMMAND]}})
    protected = ["--esprim-to", LOCK, "--esprim-key-id", "K1", "--esprim-key", world.folder / "pairwise.hex"]

    # Nobody may notify the lock before its policy says so.
    refused = latchkey("request", "update", LOCK, *phone, *protected, "--body", "-", body=command, check=False)
    require(refused.returncode == 1 and "PRIVILEGE" in refused.stdout + refused.stderr, f"not refused: {refused.stdout}{refused.stderr}")
    policy = {"m2m:acp": {"rn": "callers", "pv": {"acr": [{"acor": [PHONE], "acop": 18}, {"acor": ["/mn-cse/Clock"], "acop": 63}]},
                          "pvs": {"acr": [{"acor": ["/mn-cse/Cadmin"], "acop": 63}]}}}
    mn.administer("create", "/mn-cse/-", policy, 1)
    mn.administer("update", LOCK, {"m2m:ae": {"acpi": ["/mn-cse/-/callers"]}})

    trace = world.folder / "trace"
    answer = latchkey("--json", "request", "update", LOCK, *phone, *protected, "--esprim-trace", trace, "--body", "-", body=command)
    require(json.loads(answer.stdout)["rsc"] == 2004 and REPLY in answer.stdout, f"the answer: {answer.stdout}")
    asked = next(json.loads(line) for line in lock.lines if '"request"' in line)
    require(asked["originator"] == "//sp.example/in-cse/Cphone" and COMMAND in json.dumps(asked["request"]), f"the lock was asked: {asked}")
    outer = trace.read_text()
    require('"sit":5' in outer and COMMAND not in outer, f"the outer primitive: {outer}")

    # A key by certificates, over the same CSEs to the same AE, good at once.
    key = json.loads(latchkey("--json", "escertke", LOCK, *phone, "--out", world.folder / "established.hex").stdout)
    lock.waits_for('"established"', "the lock has no key")
    again = latchkey("--json", "request", "update", LOCK, *phone, "--esprim-cbor", "--esprim-to", LOCK, "--esprim-key-id", key["id"], "--esprim-key",
                     world.folder / "established.hex", "--body", "-", body=command)
    require(json.loads(again.stdout)["rsc"] == 2004, f"with the established key: {again.stdout}")

    # One without a certificate that counts: its key is pinned, and that of the MN-CSE at its end.
    tablet = [*inc.url(), *world.credentials("tablet"), "--from", "Ctablet"]
    latchkey("request", "create", "/in-cse/-", "--ty", "2", "--body", world.folder / "ae.json", *tablet)
    raw = json.loads(latchkey("--json", "escertke", "/mn-cse", *tablet, "--raw-key", world.key_id("mn-cse"), "--out", world.folder / "raw.hex").stdout)
    require(raw["peer"] == "//sp.example/mn-cse", f"by raw keys: {raw}")
    wrong = latchkey("escertke", "/mn-cse", *tablet, "--raw-key", world.key_id("in-cse"), "--out", world.folder / "wrong.hex", check=False)
    require(wrong.returncode == 1 and "not that of" in wrong.stderr, f"another's raw key was believed: {wrong.stdout}{wrong.stderr}")

    # The certificate of the lock, from where it stands, is believed for its path and its name alone.
    found = latchkey("--json", "esdata", "certificate", LOCK, *phone, "--use", "signature", "--out", world.folder / "lock.pub")
    require(json.loads(found.stdout)["owner"] == "//sp.example/mn-cse/Clock" and "PUBLIC KEY" in (world.folder / "lock.pub").read_text(), found.stdout)
    wrong = latchkey("esdata", "certificate", "/mn-cse/Cother", "--info", LOCK, *phone, "--use", "signature", "--out", world.folder / "other.pub", check=False)
    require(wrong.returncode == 1 and "certificate of another" in wrong.stderr, f"another's certificate was believed: {wrong.stdout}{wrong.stderr}")

    lock.end()
    established = (world.folder / "established.hex").read_text()
    secrets = [COMMAND.encode(), REPLY.encode(), *(form for key in (KEY, established) for form in (key.encode(), bytes.fromhex(key)))]
    for cse in (inc, mn):
        kept = cse.what_it_keeps()
        require(b"Cphone" in kept, "nothing was searched")
        for secret in secrets:
            require(secret not in kept, f"{cse.name} knows {secret}")
    print("an AE and an AE, over two CSEs that read nothing: in order")


def killed(world, inc, mn):
    """What the MN-CSE itself establishes survives kill -9."""
    phone = [*inc.url(), *world.credentials("phone"), "--from", "Cphone"]
    key = json.loads(latchkey("--json", "escertke", "/mn-cse", *phone, "--out", world.folder / "mn.hex").stdout)
    mn.end(signal.SIGKILL)
    kept = b"".join(path.read_bytes() for path in (mn.folder / "state").rglob("*") if path.is_file())
    text = (world.folder / "mn.hex").read_text()
    require(key["id"].encode() in kept, "the key is not in the store")
    require(text.encode() not in kept and bytes.fromhex(text) not in kept, "the key stands in the store in clear")
    mn.again()
    ask = lambda: latchkey("--json", "request", "retrieve", "/mn-cse/-", *phone, "--esprim-to", "/mn-cse", "--esprim-key-id", key["id"],
                           "--esprim-key", world.folder / "mn.hex", "--esprim-info", "/in-cse/-/mn-cse", check=False)
    inc.administer("create", "/in-cse/-", {"m2m:acp": {"rn": "readers", "pv": {"acr": [{"acor": [PHONE], "acop": 2}, {"acor": ["/mn-cse"], "acop": 63}]},
                                                       "pvs": {"acr": [{"acor": ["/in-cse/Cadmin"], "acop": 63}]}}}, 1)
    inc.administer("update", "/in-cse/-/mn-cse", {"m2m:csr": {"acpi": ["/in-cse/-/readers"]}})
    found = json.loads(latchkey("--json", "esdata", "certificate", "/mn-cse", "--info", "/in-cse/-/mn-cse", *phone, "--out", world.folder / "mn.pub").stdout)
    require(found["owner"] == "//sp.example/mn-cse", f"the certificate of the MN-CSE: {found}")
    # The rand object that the IN-CSE still shows is from before; its Receiver says so, and gives another.
    done = ask()
    answer = json.loads(done.stdout or "{}")
    require(answer.get("rsc") in (2000, 4103), f"after kill -9: {done.stdout}{done.stderr}")
    print("a key that was established, and kill -9: in order")


with tempfile.TemporaryDirectory() as name:
    the_world = World(pathlib.Path(name))
    for who, what in (("phone", PHONE), ("lock", LOCK), ("tablet", "/in-cse/Ctablet")):
        the_world.issue(who, "ae-id", what)
    in_cse = Cse(the_world, "in-cse", "IN", "")
    mn_cse = Cse(the_world, "mn-cse", "MN", 'in_cse = "/in-cse"\nregistrar = "/in-cse"')
    try:
        story(the_world, in_cse, mn_cse)
        killed(the_world, in_cse, mn_cse)
    finally:
        for cse in (in_cse, mn_cse):
            if getattr(cse, "process", None) is not None and cse.process.poll() is None:
                cse.process.kill()
print("end_to_end_daemons: in order")
