#!/usr/bin/env python3
"""latchkey-maf as Trust Enabling Function (TS-0003 8.6) with real ends: a phone that protects, CSEs and the command line that
open. Keys are computed a second time here, by hand; the MAF is killed and comes back with all that it answered.

usage: tef_daemon.py PROGRAMS
"""
import base64, hmac, json, pathlib, signal, socket, subprocess, sys, tempfile, time

from daemons import KEY, free_port, require, run

BIN = pathlib.Path(sys.argv[1]).resolve()
JWCRYPTO = pathlib.Path(__file__).resolve().parents[2] / "libs/e2e/tests/data/jwcrypto_esdata.py"
MAF, ADMIN = "maf.sp.example", "admin.example"
PHONE, IN, MN, STRANGER = "//sp.example/in-cse/Cphone", "//sp.example/in-cse", "//sp.example/mn-cse", "//sp.example/in-cse/Cstranger"
ENROLMENT_KEY = "ab" * 32
DATA = 'attribute_integrity = "medium"\nattribute_confidentiality = "medium"\n'
PROFILES = {
    "data": DATA + 'scope = "readings"\nnonce_lifetime = "2m"\n',
    "both": DATA + 'message_confidentiality = "high"\nmessage_authentication = "low"\n',
    "separate": DATA + 'class = "non-aead"\n',
    "mic": 'attribute_integrity = "low"\n',
    "messages": 'message_confidentiality = "medium"\n',
    "low": 'attribute_confidentiality = "low"\n',
}


class Daemon:
    def __init__(self, folder, name, configuration):
        self.name, self.port, self.folder = name, free_port(), folder / name
        self.folder.mkdir()
        (self.folder / "state").mkdir(mode=0o700)
        run(BIN / "latchkey", "pki", "kek", self.folder / "kek")
        self.state = ["--state-dir", self.folder / "state", "--kek", self.folder / "kek"]
        run(BIN / "latchkey", "pki", "store-key", *self.state, "--handle", "tls", "--key", folder / f"{name}.key")
        self.log = self.folder / "decisions.jsonl"
        (self.folder / "daemon.toml").write_text(f"""
[state]
dir = "{self.folder}/state"
kek_file = "{self.folder}/kek"
decision_log = "{self.log}"
[tls]
certificate = "{folder}/{name}.pem"
private_key = "tls"
[[tls.trust]]
file = "{folder}/ca/ca.pem"
[[listen]]
name = "public"
address = "127.0.0.1"
port = {self.port}
[admin]
path = "{self.folder}/admin.sock"
{configuration(self)}
""")

    def start(self):
        program = BIN / ("latchkey-maf" if self.name == "maf" else "latchkey-cse")
        self.process = subprocess.Popen([program, "--config", self.folder / "daemon.toml"], stderr=open(self.folder / "stderr", "a"))
        for _ in range(1500):
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                require(self.process.poll() is None, (self.folder / "stderr").read_text())
                time.sleep(0.02)
        sys.exit(f"{self.name} does not listen")

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(20)


def maf_configuration(daemon):
    clients = "".join(f'[[client]]\nid = "{who}"\n' for who in (PHONE, MN, STRANGER))
    return f"""
[maf]
fqdn = "{MAF}"
sp_id = "//sp.example"
in_cse = "/in-cse"
admin_fqdns = ["{ADMIN}"]
[[profile]]
name = "confidential"
attribute_confidentiality = "medium"
{clients}
[[client]]
id = "{IN}"
profile = "confidential"
end_to_end_suids = ["33", "34"]
"""


def cse_configuration(maf):
    def configuration(daemon):
        return f"""
[[listen]]
name = "local"
kind = "trusted-unix"
path = "{daemon.folder}/local.sock"
originators = ["/in-cse/Cadmin", "/in-cse/Cphone", "/in-cse/Cstranger"]
[cse]
type = "IN"
sp_id = "//sp.example"
cse_id = "/in-cse"
administrator = "/in-cse/Cadmin"
[[maf]]
fqdn = "{MAF}"
address = "127.0.0.1"
port = {maf.port}
[end_to_end]
"""
    return configuration


class World:
    def __init__(self, folder):
        self.folder = folder
        run(BIN / "latchkey", "pki", "root", folder / "ca", "--name", "Root", "--permit-dns", "sp.example", "--permit-uri", "sp.example")
        for name, words in {"maf": ("--type", "fqdn", "--name", MAF), "in": ("--type", "cse-id", "--name", "/in-cse"),
                            "mn": ("--type", "cse-id", "--name", "/mn-cse", "--in-cse", "/in-cse")}.items():
            run(BIN / "latchkey", "pki", "issue", "--ca", folder / "ca", "--sp", "//sp.example", "--key", folder / f"{name}.key", "--out", folder / f"{name}.pem", *words)
        for name, text in PROFILES.items():
            (folder / f"{name}.toml").write_text(text)
        for name, text in (("km", KEY), ("other-km", "77" * 32), ("ke", ENROLMENT_KEY)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text)
        self.maf = Daemon(folder, "maf", maf_configuration)
        for who, name, key in (("/in-cse/Cphone", "phone", "km"), ("/in-cse/Cstranger", "stranger", "other-km")):
            run(BIN / "latchkey", "psk", "add", *self.maf.state, "--sp", "//sp.example", "--suid", "11", "--entity", who, "--identity", f"{name}@{MAF}", "--key", folder / key)
        self.maf.start()
        self.orders = 0

    def latchkey(self, *words, status=0, data=None):
        done = subprocess.run([BIN / "latchkey", "--json", *map(str, words)], capture_output=True, text=True, input=data, timeout=60)
        require(status is None or done.returncode == status, f"{' '.join(map(str, words))}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if status == 0 and done.stdout else done.stdout + done.stderr

    def as_(self, who):
        common = ["--url", f"https://127.0.0.1:{self.maf.port}", "--sp", "//sp.example", "--maf", MAF, "--client", who]
        if who in (PHONE, STRANGER):
            name, key = ("phone", "km") if who == PHONE else ("stranger", "other-km")
            return [*common, "--psk-identity", f"{name}@{MAF}", "--psk-file", self.folder / key]
        name = "in" if who == IN else "mn"
        return [*common, "--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{name}.key", "--trust", self.folder / "ca/ca.pem"]

    def register(self, who):
        return self.latchkey("maf", "register", *self.as_(who), "--admin", ADMIN)["id"]

    def provision(self, who, registration, profile, targets, *more, status=0):
        self.orders += 1
        words = [word for target in targets for word in ("--target", target)]
        return self.latchkey("maf", "provision-e2e", *self.as_(who), "--registration", registration, "--admin", ADMIN, "--profile", self.folder / f"{profile}.toml",
                             "--out-dir", self.folder / f"order-{self.orders}", *words, *more, status=status)

    def seal(self, credential, payload='{"t":21}', status=0):
        sealed = self.latchkey("esdata", "seal", "--credential", credential["file"], "--media-type", "application/json", data=payload, status=status)
        return sealed["envelope"] if status == 0 else sealed

    def retrieve(self, who, envelope, status=0):
        """As a target that has nothing but the envelope."""
        self.orders += 1
        out = self.folder / f"retrieved-{self.orders}.json"
        (self.folder / "envelope").write_text(envelope + "\n")
        got = self.latchkey("maf", "retrieve-e2e", *self.as_(who), "--esdata", self.folder / "envelope", "--out", out, status=status)
        require(status != 0 or out.stat().st_mode & 0o777 == 0o600, "the credential is not owner-only")
        return got

    def open(self, who, credential, envelope, *more, status=0):
        opened = self.latchkey("esdata", "open", "--credential", credential["file"], "--as", who, *more, data=envelope, status=status)
        return base64.b64decode(opened["payload"]).decode() if status == 0 else opened


def derive(master, until):
    """10.3.6.2 by hand: T(1) to T(until)."""
    labels = ["E2E Message Authentication Key", "E2E Message Confidentiality Key", "E2E Attribute Authenticity Key", "E2E Attribute Confidentiality Key"]
    t = b""
    for number, label in enumerate(labels[:until], 1):
        t = hmac.digest(master, t + label.encode() + bytes([number]), "sha256")
    return t


def open_by_hand(envelope, key):
    """With a JOSE implementation that is not ours, from the distribution's own Python."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(key.hex())
        file.flush()
        return run("/usr/bin/python3", JWCRYPTO, "open", file.name, input=envelope).stdout


def provisioned(world, phone):
    """8.6.2: the MAF makes the keys from Km, the phone the same."""
    both = world.provision(PHONE, phone, "both", [IN])
    require([one["suid"] for one in both] == [33, 34], f"a key for each use: {both}")
    data = world.provision(PHONE, phone, "data", [IN])[0]
    parameters = data["parameters"]
    require(data["source"] == PHONE and data["targets"] == [IN] and parameters["org"] == "km" and parameters["cls"] == "aead", f"{data}")
    require(parameters["keys"] == {"attConf": {"alg": "AES-256", "lbl": "E2E Attribute Confidentiality Key"}}, f"{parameters}")
    require(parameters["scp"] == "readings" and parameters["nlt"] == 120 and len(parameters["salt"]) == 64, f"{parameters}")
    envelope = world.seal(data)
    master = hmac.digest(bytes.fromhex(parameters["salt"]), bytes.fromhex(KEY), "sha256")
    require(open_by_hand(envelope, derive(master, 4)) == '{"t":21}', "the key is not that of 10.3.6")
    target = world.retrieve(IN, envelope)
    require(target["identity"] == data["identity"] and target["parameters"] == parameters and target["source"] == PHONE, f"{target}")
    require(world.open(IN, target, envelope) == '{"t":21}', "open")
    kept = json.loads(pathlib.Path(target["file"]).read_text())
    require(kept["kv"] == master.hex().upper(), "the MAF gave another master")
    for who in (MN, STRANGER):
        require("4103" in world.retrieve(who, envelope, status=1), f"{who} gets a key that is not for it")
    require("not among the targets" in world.open(MN, target, envelope, status=1), "used by another than its target")
    # What the target demands counts, and what it does not support is not made.
    low = world.provision(PHONE, phone, "low", [IN])[0]
    require(low["parameters"]["keys"]["attConf"]["alg"] == "AES-256", "the profile of the target")
    low = world.provision(PHONE, phone, "low", [MN])[0]
    require(low["parameters"]["keys"]["attConf"]["alg"] == "AES-192", "no profile, so as asked")
    require("4102" in world.provision(PHONE, phone, "mic", [IN], status=1), "a MIC for a target that wants confidentiality")
    return envelope


def source_generated(world, phone):
    """8.6.3: the phone makes the keys, for several targets."""
    for more in (["--generate"], ["--ke", world.folder / "ke"]):
        made = world.provision(PHONE, phone, "data", [IN, MN], *more)[0]
        require(made["parameters"]["org"] == "source" and made["targets"] == [IN, MN], f"{made}")
        envelope = world.seal(made)
        for who in (IN, MN):
            target = world.retrieve(who, envelope)
            require("may have made" in world.open(who, target, envelope, status=1), "a shared key proves a source")
            require(world.open(who, target, envelope, "--any-source") == '{"t":21}', f"{who} does not open")
        require("4103" in world.retrieve(STRANGER, envelope, status=1), "a stranger gets a key")
    label = b"oneM2M Enrolment Key to Provisioned Secure Connection Key derivation" + PHONE.encode()
    kpsa = hmac.digest(bytes.fromhex(ENROLMENT_KEY), label, "sha256")
    master = hmac.digest(bytes.fromhex(made["parameters"]["salt"]), kpsa, "sha256")
    require(open_by_hand(envelope, derive(master, 4)) == '{"t":21}', "the key is not that of Ke")
    weak = world.provision(PHONE, phone, "low", [IN], "--generate", status=1)
    require("4102" in weak and "longer" in weak, f"weaker than its target demands: {weak}")
    # 8.6.3 d: what the target says of itself is looked at before anybody is asked.
    (world.folder / "esi.json").write_text(json.dumps({"m2m:cb": {"esi": {"esf": [33]}}}))
    lacks = world.provision(PHONE, phone, "data", [IN], "--generate", "--target-info", world.folder / "esi.json", status=1)
    require("does not support keys with SUID 34" in lacks, f"{lacks}")


def separate_keys(world, phone):
    """Table 9.2.3.3-1, non-AEAD: encrypted, and a MIC by another key over it."""
    made = world.provision(PHONE, phone, "separate", [MN])[0]
    require(sorted(made["parameters"]["keys"]) == ["attAuth", "attConf"], f"{made}")
    sealed = world.latchkey("esdata", "seal", "--credential", made["file"], data="x")
    require(sealed["contentInfo"] == "application/jose:0:1", f"{sealed}")
    envelope = sealed["envelope"]
    header, inner, mac = envelope.split(".")
    decode = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    require(json.loads(decode(header)) == {"alg": "HS256", "kid": made["identity"], "cty": "JOSE"}, "header")
    master = hmac.digest(bytes.fromhex(made["parameters"]["salt"]), bytes.fromhex(KEY), "sha256")
    require(hmac.digest(derive(master, 3), f"{header}.{inner}".encode(), "sha256") == decode(mac), "the MIC is not by Ke2e_att_auth")
    require(open_by_hand(decode(inner).decode(), derive(master, 4)) == "x", "the encryption is not by Ke2e_att_conf")
    target = world.retrieve(MN, envelope)
    require(world.open(MN, target, envelope) == "x", "open")
    require("security class" in world.open(MN, target, decode(inner).decode(), status=1), "opened without its MIC")
    flipped = f"{header}.{inner}.{('A' if mac[0] != 'A' else 'B') + mac[1:]}"
    require("integrity" in world.open(MN, target, flipped, status=1), "opened with another MIC")
    mic = world.provision(PHONE, phone, "mic", [MN])[0]
    envelope = world.seal(mic)
    require(mic["suid"] == 35 and world.open(MN, world.retrieve(MN, envelope), envelope) == '{"t":21}', "a MIC alone")


def limits(world, phone):
    """Time, use and the MAF's own death."""
    short = world.provision(PHONE, phone, "data", [IN], "--seconds", "4")[0]
    envelope = world.seal(short)
    target = world.retrieve(IN, envelope)
    end = time.monotonic() + 10
    while "4004" not in world.latchkey("maf", "retrieve-e2e", *world.as_(IN), short["identity"], "--out", world.folder / f"late-{time.monotonic_ns()}", status=None):
        require(time.monotonic() < end, "an expired key is given")
        time.sleep(0.3)
    require("expired" in world.open(IN, target, envelope, status=1), "an expired key opens")
    require("expired" in world.seal(short, status=1), "an expired key seals")
    both = world.provision(PHONE, phone, "both", [IN])
    require("SUID 33" in world.seal(both[0], status=1), "a key for messages seals data")
    wrong = world.latchkey("request", "retrieve", "/in-cse/-", "--from", "Cphone", "--url", "http://127.0.0.1:1", "--esprim-to", "/in-cse", "--sp", "//sp.example",
                           "--esprim-credential", both[1]["file"], status=1)
    require("SUID 34" in wrong, f"a key for data protects messages: {wrong}")
    envelopes = []
    for targets in ([IN], [IN, MN]):
        made = world.provision(PHONE, phone, "data", targets, "--generate")[0]
        world.maf.end(signal.SIGKILL)
        envelopes.append(world.seal(made))  # without the MAF
        world.maf.start()
        for envelope in envelopes:
            require(world.open(IN, world.retrieve(IN, envelope), envelope, "--any-source") == '{"t":21}', "lost by a kill")
    disk = b"".join(file.read_bytes() for file in (world.maf.folder / "state").rglob("*") if file.is_file())
    secret = json.loads(pathlib.Path(made["file"]).read_text())
    require(MAF.encode() in disk or b"SK0000" in disk, "there is nothing in the store")
    for text in (secret["kv"], secret["e2ep"]["salt"], "readings", "E2E Attribute"):
        require(text.encode() not in disk and text.lower().encode() not in disk, f"in clear on the disk: {text}")


def messages(world, phone):
    """ESPrim: the CSE asks the MAF for the key that an object names, and derives Ke2e_msg_conf of it."""
    cse = Daemon(world.folder, "in", cse_configuration(world.maf))
    cse.start()
    try:
        local = ["--url", f"unix:{cse.folder / 'local.sock'}", "--sp", "//sp.example"]
        send = lambda *words, **more: world.latchkey("request", *words, *local, **more)
        grant = {"acr": [{"acor": ["/in-cse/Cphone"], "acop": 2}]}
        own = {"acr": [{"acor": ["/in-cse/Cadmin"], "acop": 63}]}
        send("create", "-", "--from", "Cphone", "--ty", "2", "--body", "-", data=json.dumps({"m2m:ae": {"api": "Nphone", "rr": False, "srv": ["3"]}}))
        send("create", "-", "--from", "/in-cse/Cadmin", "--ty", "1", "--body", "-", data=json.dumps({"m2m:acp": {"rn": "readers", "pv": grant, "pvs": own}}))
        send("create", "-", "--from", "/in-cse/Cadmin", "--ty", "3", "--body", "-", data=json.dumps({"m2m:cnt": {"rn": "door", "acpi": ["in-cse/readers"], "lbl": ["secret"]}}))
        send("update", "-", "--from", "/in-cse/Cadmin", "--body", "-", data=json.dumps({"m2m:cb": {"acpi": ["in-cse/readers"]}}), status=None)
        made = world.provision(PHONE, phone, "messages", [IN])[0]
        require(made["suid"] == 33, f"{made}")
        trace = world.folder / "trace"
        answer = send("retrieve", "in-cse/door", "--from", "Cphone", "--esprim-to", "/in-cse", "--esprim-credential", made["file"], "--esprim-from", "/in-cse/Cphone",
                      "--esprim-trace", trace, "--server", "/in-cse")
        require(answer["rsc"] == 2000 and answer["pc"]["m2m:cnt"]["lbl"] == ["secret"], f"{answer}")
        # A target finds the key id in the object too.
        objects = [json.loads(line).get("pc", {}) for line in trace.read_text().splitlines()]
        text = next(o["m2m:seci"]["epo"] for o in objects if o and "epo" in o.get("m2m:seci", {}))
        (world.folder / "object").write_text(text)
        got = world.latchkey("maf", "retrieve-e2e", *world.as_(IN), "--esprim", world.folder / "object", "--out", world.folder / "of-object.json")
        require(got["identity"] == made["identity"] and got["suid"] == 33, f"{got}")
        # A key for another target, and one that the MAF does not know.
        elsewhere = world.provision(PHONE, phone, "messages", [MN])[0]
        forged = json.loads(pathlib.Path(elsewhere["file"]).read_text())
        forged["targets"] = [IN]
        other = world.folder / "forged.json"
        other.touch(mode=0o600)
        other.write_text(json.dumps(forged))
        refused = send("retrieve", "in-cse/door", "--from", "Cphone", "--esprim-to", "/in-cse", "--esprim-credential", other, "--esprim-from", "/in-cse/Cphone", status=1)
        require("ESPRIM_UNKNOWN_KEY_ID" in refused, f"a key for another target: {refused}")
    finally:
        cse.process.kill()


with tempfile.TemporaryDirectory(prefix="latchkey-tef-") as name:
    world = World(pathlib.Path(name))
    try:
        phone = world.register(PHONE)
        provisioned(world, phone)
        source_generated(world, phone)
        separate_keys(world, phone)
        limits(world, phone)
        messages(world, phone)
        world.maf.end()
        require(world.maf.process.returncode == 0, "SIGTERM")
        events = [json.loads(line) for line in world.maf.log.read_text().splitlines()]
        require(any("end-to-end" in event.get("reason", "") for event in events), "the log does not say that a key is end-to-end")
    finally:
        world.maf.process.kill()
print("tef_daemon: the source seals, its targets open, and nobody else")
