#!/usr/bin/env python3
"""Two latchkey-cse as processes: the gateway's asks the IN-CSE as PDP (TS-0003 6.2.2). The PDP is changed, stopped and killed
under it: denied while it is away, and never judged by a policy from before the last one that was acknowledged.

usage: authorization_daemons.py PROGRAMS
"""
import json, pathlib, signal, socket, subprocess, sys, tempfile, time

from daemons import KEY, free_port, require

BIN = pathlib.Path(sys.argv[1])


class Cse:
    def __init__(self, folder, name, port):
        self.folder, self.name, self.port = folder, name, port
        self.log, self.local = folder / "decisions.jsonl", folder / "local.sock"
        self.process = None
        folder.mkdir()
        (folder / "state").mkdir(mode=0o700)
        self.latchkey("pki", "kek", folder / "kek")
        self.state = ["--state-dir", folder / "state", "--kek", folder / "kek"]
        (folder / "key.hex").touch(mode=0o600)
        (folder / "key.hex").write_text(KEY)

    def latchkey(self, *arguments, check=True, body=None):
        done = subprocess.run([BIN / "latchkey", *arguments], capture_output=True, text=True, input=body)
        require(not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def add_key(self, entity):
        """The handle under which it is kept."""
        self.latchkey("psk", "add", *self.state, "--sp", "//sp.example", "--entity", entity, "--identity", "mn@sp.example", "--key", self.folder / "key.hex")
        rows = (row.split("\t") for row in (self.folder / "state/psk.tsv").read_text().splitlines())
        return next(row[2] for row in rows if row[0] == entity or row[0].endswith(entity))

    def configure(self, kind, originators, rest):
        (self.folder / "cse.toml").write_text(f"""
[state]
dir = "{self.folder}/state"
kek_file = "{self.folder}/kek"
decision_log = "{self.log}"
[[listen]]
name = "public"
address = "127.0.0.1"
port = {self.port}
[[listen]]
name = "local"
kind = "trusted-unix"
path = "{self.local}"
originators = {json.dumps(originators)}
[admin]
path = "{self.folder}/admin.sock"
[cse]
type = "{kind}"
sp_id = "//sp.example"
cse_id = "/{self.name}"
administrator = "/{self.name}/Cadmin"
consultation_timeout = "2s"
{rest}
""")

    def start(self):
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

    def request(self, operation, to, sender, body=None, ty=None):
        """Response status code and content."""
        more = ["--body", "-"] if body else []
        more += ["--ty", str(ty)] if ty else []
        done = self.latchkey("--json", "request", operation, to, "--from", sender, "--url", f"unix:{self.local}", *more,
                             check=False, body=json.dumps(body) if body else None)
        require(done.stdout, f"{operation} {to}: {done.stderr}")
        answer = json.loads(done.stdout)
        return answer["rsc"], answer.get("pc")

    def reason(self, event):
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return next((line["reason"] for line in reversed(lines) if line["event"] == event), "")


def rules(*all_of_them):
    return {"acr": list(all_of_them)}


def until(holds, what):
    for _ in range(500):
        if holds():
            return
        time.sleep(0.02)
    sys.exit("authorization_daemons: " + what)


def set_up(pdp, pep):
    pdp.add_key("/mn-cse")
    handle = pep.add_key("/in-cse")
    pdp.configure("IN", ["/in-cse/Cadmin"], """
[authorization]
offer = ["pdp"]
[[authorization.target]]
resources = "/mn-cse/*"
policies = ["in-cse/doors"]
""")
    pep.configure("MN", ["/mn-cse/Cadmin", "/mn-cse/Cguest"], f"""
in_cse = "/in-cse"
registrar = "/in-cse"
[authorization]
pdp = ["/in-cse/in-cse/pdp"]
default = ["pdp"]
[[peer]]
cse_id = "/in-cse"
address = "127.0.0.1"
port = {pdp.port}
psk_identity = "mn@sp.example"
psk_key = "{handle}"
""")
    pdp.start()
    pep.start()
    own = rules({"acor": ["/in-cse/Cadmin"], "acop": 63})
    for body, ty in (({"m2m:acp": {"rn": "askers", "pv": rules({"acor": ["/mn-cse"], "acop": 4}), "pvs": own}}, 1),
                     ({"m2m:acp": {"rn": "doors", "pv": rules(), "pvs": own}}, 1),
                     ({"m2m:auds": {"rn": "pdp", "acpi": ["in-cse/askers"]}}, 35)):
        require(pdp.request("create", "-", "/in-cse/Cadmin", body, ty)[0] == 2001, f"{body}")
    until(lambda: pdp.request("retrieve", "in-cse/mn-cse", "/in-cse/Cadmin")[0] == 2000, "the gateway does not register")
    require(pep.request("create", "-", "Cguest", {"m2m:ae": {"api": "Nguest", "rr": False, "srv": ["3"]}}, 2)[0] == 2001, "the guest does not register")
    require(pep.request("create", "-", "Cadmin", {"m2m:cnt": {"rn": "door"}}, 3)[0] == 2001, "there is no door")


def guest(pep):
    return pep.request("retrieve", "mn-cse/door", "Cguest")[0]


def let_in(pdp, whom):
    pv = rules({"acor": [whom], "acop": 2}) if whom else rules()
    require(pdp.request("update", "in-cse/doors", "/in-cse/Cadmin", {"m2m:acp": {"pv": pv}})[0] == 2004, "the policy stays")


def story(pdp, pep):
    require(guest(pep) == 4103, "a stranger gets in")
    let_in(pdp, "/mn-cse/Cguest")
    require(guest(pep) == 2000, f"the guest does not get in: {pep.reason('access_denied')}")
    until(lambda: pep.reason("access_permitted") == "permitted by the PDP /in-cse/in-cse/pdp", "the log of the PEP does not say who permitted")
    until(lambda: "as PDP of another CSE: permitted by" in pdp.reason("access_permitted"), "the log of the PDP does not say why")
    for _ in range(5):
        let_in(pdp, None)
        require(guest(pep) == 4103, "judged by a policy that is gone")
        let_in(pdp, "/mn-cse/Cguest")
        require(guest(pep) == 2000, "judged by a policy that was not yet")
    for how in (signal.SIGTERM, signal.SIGKILL):
        pdp.end(how)
        require(guest(pep) == 4103, "somebody gets in while nobody decides")
        until(lambda: "; the PDP /in-cse/in-cse/pdp: " in pep.reason("access_denied"), "the log does not say who was asked")
        require(pep.request("retrieve", "mn-cse/door", "Cadmin")[0] == 2000, "the administrator waits for the PDP")
        pdp.start()
        until(lambda: guest(pep) == 2000, "the PDP is back, and nobody hears it")
    pdp.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    require(guest(pep) == 4103, "somebody gets in while the PDP is frozen")
    require(1.5 < time.monotonic() - began < 10, "consultation_timeout")
    pdp.process.send_signal(signal.SIGCONT)
    until(lambda: guest(pep) == 2000, "the PDP goes on, and nobody hears it")


with tempfile.TemporaryDirectory(prefix="latchkey-authorization-") as name:
    folder = pathlib.Path(name)
    pdp, pep = Cse(folder / "pdp", "in-cse", free_port()), Cse(folder / "pep", "mn-cse", free_port())
    try:
        set_up(pdp, pep)
        story(pdp, pep)
        for cse in (pep, pdp):
            cse.end(signal.SIGTERM)
            require(cse.process.returncode == 0, "SIGTERM")
    finally:
        for cse in (pep, pdp):
            if cse.process is not None:
                cse.process.kill()
    print("decided elsewhere, and denied while that was away")
