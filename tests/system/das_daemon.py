#!/usr/bin/env python3
"""latchkey-das as a process: asked over TLS, listed and revoked by the command line, its policy renewed under it, and killed
with SIGKILL under load, after which every token that it answered is on its list.

usage: das_daemon.py PROGRAMS
"""
import base64, json, pathlib, signal, socket, subprocess, sys, tempfile, threading, time

from daemons import KEY, free_port, require

BIN = pathlib.Path(sys.argv[1])
GRANT = """
[[grant]]
name = "door"
originators = ["/in-cse/C*"]
targets = ["/in-cse/cse/door"]
operations = ["retrieve"]
lifetime = "1h"
live_max = 1000
gives = "token"
granted_operations = ["retrieve"]
"""


class Das:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.policy, self.log, self.admin = folder / "policy.toml", folder / "decisions.jsonl", folder / "admin.sock"
        self.policy.write_text(GRANT)
        (folder / "state").mkdir(mode=0o700)
        self.latchkey("pki", "kek", folder / "kek")
        state = ["--state-dir", folder / "state", "--kek", folder / "kek"]
        key = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], check=True, capture_output=True).stdout
        (folder / "sign.key").touch(mode=0o600)
        (folder / "sign.key").write_bytes(key)
        self.latchkey("pki", "store-key", *state, "--handle", "sign", "--key", folder / "sign.key")
        (folder / "key.hex").touch(mode=0o600)
        (folder / "key.hex").write_text(KEY)
        self.latchkey("psk", "add", *state, "--sp", "//sp.example", "--entity", "/in-cse", "--identity", "in@sp.example", "--key", folder / "key.hex")
        self.latchkey("psk", "add", *state, "--sp", "//sp.example", "--entity", "/in-cse/Cphone", "--identity", "phone@sp.example", "--key", folder / "key.hex")
        for name in ("cse", "open"):
            (folder / f"{name}.key").touch(mode=0o600)
            (folder / f"{name}.key").write_bytes(subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], check=True, capture_output=True).stdout)
            subprocess.run(["openssl", "pkey", "-in", folder / f"{name}.key", "-pubout", "-out", folder / f"{name}.pem"], check=True)
        self.latchkey("pki", "store-key", *state, "--handle", "open", "--key", folder / "open.key")
        (folder / "das.toml").write_text(f"""
[state]
dir = "{folder}/state"
kek_file = "{folder}/kek"
decision_log = "{self.log}"
[[listen]]
name = "public"
address = "127.0.0.1"
port = {self.port}
[admin]
path = "{self.admin}"
[das]
id = "/Sdas"
sp_id = "//sp.example"
in_cse = "/in-cse"
domains = ["das.sp.example"]
kid = "das-1"
signing_key = "sign"
policy = "policy.toml"
[[hosting_cse]]
cse_id = "/in-cse"
[[hosting_cse.request_key]]
kid = "cse-1"
file = "cse.pem"
algorithms = ["ES256"]
[secured_requests]
classes = ["sign-then-encrypt"]
[[secured_requests.key]]
kid = "open-1"
key = "open"
algorithms = ["ECDH-ES+A256KW"]
encryptions = ["A256GCM"]
""")

    def latchkey(self, *arguments, check=True):
        done = subprocess.run([BIN / "latchkey", *arguments], capture_output=True, text=True)
        require(not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def start(self):
        self.process = subprocess.Popen([BIN / "latchkey-das", "--config", self.folder / "das.toml"], stderr=open(self.folder / "stderr", "a"))
        for _ in range(1500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                require(self.process.poll() is None, (self.folder / "stderr").read_text())
                time.sleep(0.02)
        sys.exit("the DAS does not listen")

    def ask(self, originator, check=True):
        """The id of the token for `originator`; None if it is denied or the daemon is gone."""
        body = {"m2m:seci": {"sit": 1, "dreq": {"or": originator, "op": 2, "trt": 3, "trid": "/in-cse/cse/door"}}}
        done = subprocess.run([BIN / "latchkey", "--json", "request", "notify", "/Sdas", "--from", "//sp.example/in-cse", "--sp", "//sp.example",
                               "--server", "/Sdas", "--url", f"https://127.0.0.1:{self.port}", "--psk-identity", "in@sp.example",
                               "--psk-file", self.folder / "key.hex", "--body", "-"], input=json.dumps(body), capture_output=True, text=True)
        require(not check or done.returncode == 0, done.stdout + done.stderr)
        if done.returncode != 0:
            return None
        tokens = json.loads(done.stdout)["pc"]["m2m:seci"]["dres"].get("tkns")
        if not tokens:
            return None
        claims = tokens[0].split(".")[1]
        return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"]

    def listed(self):
        return {one["id"]: one for one in json.loads(self.latchkey("--json", "das", "list", "--admin", self.admin).stdout)}

    def events(self, name):
        return self.log.read_text().count(f'"event":"{name}"') if self.log.exists() else 0

    def renew(self, policy, event):
        """SIGHUP with another policy, until the log tells of it."""
        before = self.events(event)
        self.policy.write_text(policy)
        self.process.send_signal(signal.SIGHUP)
        for _ in range(500):
            if self.events(event) > before:
                return
            time.sleep(0.02)
        sys.exit(f"no {event} after SIGHUP")


def tokens_and_revocation(das):
    first = das.ask("//sp.example/in-cse/Cphone")
    require(first is not None and first.endswith("@das.sp.example"), f"token {first}")
    require(das.ask("//sp.example/mn-cse/Cphone") is None, "a stranger gets a token")
    require(not das.listed()[first]["revoked"], "listed as revoked")
    das.latchkey("das", "revoke", "--admin", das.admin, first)
    require(das.listed()[first]["revoked"], "not revoked")
    unknown = das.latchkey("das", "revoke", "--admin", das.admin, "x@das.sp.example", check=False)
    require(unknown.returncode == 1 and "404" in unknown.stderr, f"unknown: {unknown.stderr}")
    nowhere = das.latchkey("das", "assign", "--admin", das.admin, "--role", "a@das.sp.example", "--holder", "/in-cse/Cphone", check=False)
    require(nowhere.returncode == 1 and "no repository" in nowhere.stderr, f"assign: {nowhere.stderr}")


def secured(das, jti, originator="//sp.example/in-cse/Cphone", audience="//sp.example/Sdas"):
    """What a Hosting CSE secures for the DAS, made with other means than its own."""
    now = int(time.time())
    claims = {"iss": "//sp.example/in-cse", "aud": audience, "jti": jti, "iat": now, "exp": now + 300,
              "dreq": {"or": originator, "op": 2, "trt": 3, "trid": "/in-cse/cse/door"}}
    payload = das.folder / "claims.json"
    payload.write_text(json.dumps(claims))
    sdr = das.latchkey("esdata", "seal", payload, "--to", f"open-1,44,ECDH-ES+A256KW,{das.folder}/open.pem",
                       "--sign", f"cse-1,45,ES256,{das.folder}/cse.key").stdout.strip()
    told = das.folder / f"told-{jti}.json"
    told.write_text(json.dumps({"dasi": [{"uri": "https://das.sp.example/-", "sdr": sdr}]}))
    return told


def bring(das, told):
    return das.latchkey("das", "ask", "--info", told, "--from", "/in-cse/Cphone", "--sp", "//sp.example", "--server", "/Sdas",
                        "--url", f"https://127.0.0.1:{das.port}", "--psk-identity", "phone@sp.example", "--psk-file", das.folder / "key.hex", check=False)


def secured_requests(das):
    told = secured(das, "first")
    given = bring(das, told)
    require(given.returncode == 0 and "@das.sp.example until" in given.stdout, f"no token: {given.stdout}{given.stderr}")
    das.process.kill()
    das.process.wait()
    das.start()
    again = bring(das, told)
    require(again.returncode == 1 and "4103" in again.stderr, f"a second token after a restart: {again.stdout}{again.stderr}")
    require("before" not in again.stderr, "the reason is for the log")
    for refused in (secured(das, "swapped", originator="//sp.example/in-cse/Cother"), secured(das, "foreign", audience="other.example")):
        require(bring(das, refused).returncode == 1, f"{refused}: accepted")
    for why in ("a token was issued for it before", "not for who brings it", "aud is another DAS Server"):
        for _ in range(250):
            if why in das.log.read_text():
                break
            time.sleep(0.02)
        require(why in das.log.read_text(), f"not in the log: {why}")


def policies(das):
    das.renew(GRANT.replace("gives", "give"), "configuration_refused")
    require(das.ask("//sp.example/in-cse/Ca") is not None, "a bad policy replaced the good one")
    das.renew("", "credential_reloaded")
    require(das.ask("//sp.example/in-cse/Ca") is None, "a policy without grants grants")
    das.renew(GRANT, "credential_reloaded")
    require(das.ask("//sp.example/in-cse/Ca") is not None, "the policy is not back")


def keys_are_renewed(das):
    """Whatever the policy is like."""
    keys = ["--state-dir", das.folder / "state", "--kek", das.folder / "kek", "--sp", "//sp.example"]
    das.latchkey("psk", "remove", *keys, "in@sp.example")
    das.renew(GRANT.replace("gives", "give"), "configuration_refused")
    require(das.ask("//sp.example/in-cse/Ca", check=False) is None, "a bad policy keeps a removed key alive")
    das.latchkey("psk", "add", *keys, "--entity", "/in-cse", "--identity", "in@sp.example", "--key", das.folder / "key.hex")
    das.renew(GRANT.replace("gives", "give"), "configuration_refused")
    require(das.ask("//sp.example/in-cse/Ca", check=False) is not None, "a bad policy keeps a new key out")
    das.renew(GRANT, "credential_reloaded")


def killed_under_load(das, seconds):
    answered, lock, stop = set(), threading.Lock(), threading.Event()

    def work(number):
        while not stop.is_set():
            token = das.ask(f"//sp.example/in-cse/Cload{number}", check=False)
            if token:
                with lock:
                    answered.add(token)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    time.sleep(seconds)
    das.process.kill()
    das.process.wait()
    stop.set()
    for worker in workers:
        worker.join()
    das.start()
    lost = answered - set(das.listed())
    require(answered, "nothing was answered before the kill")
    require(not lost, f"{len(lost)} of {len(answered)} answered tokens are lost")
    return len(answered)


with tempfile.TemporaryDirectory(prefix="latchkey-das-") as folder:
    das = Das(pathlib.Path(folder))
    das.start()
    try:
        tokens_and_revocation(das)
        secured_requests(das)
        policies(das)
        keys_are_renewed(das)
        answered = sum(killed_under_load(das, seconds) for seconds in (1.5, 1.0, 0.5))
        das.process.send_signal(signal.SIGTERM)
        require(das.process.wait(20) == 0, "SIGTERM")
    finally:
        das.process.kill()
    print(f"three kills, {answered} answered tokens, none lost")
