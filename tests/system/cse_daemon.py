#!/usr/bin/env python3
"""latchkey-cse as a process. Its operator's location server over TLS (TS-0003 Annex F): who answers must be the server that the
configuration names, who calls back too, and what is known survives a restart. And SIGHUP, which takes over each file that can
be read, whatever the others are like.

usage: cse_daemon.py PROGRAMS
"""
import datetime, http.client, http.server, json, pathlib, signal, socket, ssl, subprocess, sys, tempfile, threading, time, urllib.parse

from daemons import free_port, require, run

BIN = pathlib.Path(sys.argv[1])
NAME, OTHER, CSE = "location.operator.example", "other.operator.example", "in-cse.sp.example"
HOME, AWAY = (48.8501, 2.3501), (48.9, 2.35)
SUITE = "ECDHE-ECDSA-AES128-SHA256"
PATH = "/location/v1/subscriptions/area/circle"


class Authority:
    """A CA of the operator's own making: its servers are clients too when they call back."""

    def __init__(self, folder, name, domain):
        self.folder, self.pem, self.key = folder, folder / f"{name}.pem", folder / f"{name}.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.pem,
            "-subj", f"/CN={name}", "-days", "30", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-addext", f"nameConstraints=critical,permitted;DNS:{domain},permitted;URI:{domain}")

    def issue(self, name):
        chain, key, request = (self.folder / f"{self.pem.stem}-{name}.{kind}" for kind in ("pem", "key", "csr"))
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions = self.folder / "extensions"
        extensions.write_text(f"subjectAltName=DNS:{name}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
                              "basicConstraints=critical,CA:FALSE\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key, "-CAcreateserial", "-days", "20", "-extfile", extensions, "-out", chain)
        return chain, key


class Operator:
    """OMA Terminal Location 1.0 in JSON, behind TLS that asks for the client's certificate."""

    def __init__(self, trust):
        self.place, self.trust, self.port = HOME, trust, free_port()
        self.clients, self.queries, self.subscriptions = [], 0, {}
        self.server = None

    def start(self, chain, key):
        operator = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                operator.clients.append([name for kind, name in self.connection.getpeercert()["subjectAltName"] if kind == "DNS"])

            def answer(self, status, body=b""):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                operator.queries += 1
                address = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["address"][0]
                terminal = {"address": address, "locationRetrievalStatus": "Retrieved", "currentLocation": operator.fix()}
                self.answer(200, json.dumps({"terminalLocationList": {"terminalLocation": terminal}}).encode())

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["circleNotificationSubscription"]
                path = f"{PATH}/{len(operator.subscriptions) + 1}"
                operator.subscriptions[path] = body
                self.answer(201, json.dumps({"resourceReference": {"resourceURL": f"https://{NAME}{path}"}}).encode())

            def do_DELETE(self):
                self.answer(204 if operator.subscriptions.pop(self.path, None) else 404)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(SUITE)
        context.load_cert_chain(chain, key)
        context.load_verify_locations(self.trust)
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def fix(self):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        return {"latitude": self.place[0], "longitude": self.place[1], "accuracy": 20, "timestamp": now}

    def report(self, crossing, chain, key):
        """Calls back with this certificate; the status, or None if TLS did not let us in."""
        body = next(one for one in self.subscriptions.values() if one["enteringLeavingCriteria"] == crossing)
        terminal = {"address": body["address"][0], "locationRetrievalStatus": "Retrieved", "currentLocation": self.fix()}
        content = {"subscriptionNotification": {"callbackData": body["callbackReference"]["callbackData"], "enteringLeavingCriteria": crossing,
                                                "isFinalNotification": False, "terminalLocation": terminal}}
        url = urllib.parse.urlsplit(body["callbackReference"]["notifyURL"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(SUITE)
        context.load_verify_locations(self.trust)
        context.load_cert_chain(chain, key)
        try:
            with socket.create_connection(("127.0.0.1", url.port), 10) as raw, context.wrap_socket(raw, server_hostname=url.hostname) as tls:
                text = json.dumps(content)
                tls.sendall(f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
                            f"Connection: close\r\n\r\n{text}".encode())
                answer = http.client.HTTPResponse(tls)
                answer.begin()
                return answer.status
        except (ssl.SSLError, ConnectionError, http.client.HTTPException):
            return None


class Cse:
    def __init__(self, folder, location_port, operator_ca):
        self.folder, self.socket = folder, folder / "cse.sock"
        self.notify_port, self.port, self.log = free_port(), free_port(), folder / "decisions.jsonl"
        (folder / "state").mkdir(mode=0o700)
        run(BIN / "latchkey", "pki", "kek", folder / "kek")
        run(BIN / "latchkey", "pki", "root", folder / "ca", "--permit-dns", "sp.example", "--permit-uri", "sp.example")
        run(BIN / "latchkey", "pki", "issue", "--ca", folder / "ca", "--key", folder / "in.key", "--out", folder / "in.pem", "--type", "cse-id",
            "--name", "/in-cse", "--sp", "//sp.example")
        run(BIN / "latchkey", "pki", "store-key", "--state-dir", folder / "state", "--kek", folder / "kek", "--handle", "tls", "--key", folder / "in.key")
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "token.key")
        run("openssl", "pkey", "-in", folder / "token.key", "-pubout", "-out", folder / "token.pub.pem")
        (folder / "lock.hex").touch(mode=0o600)
        (folder / "lock.hex").write_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        (folder / "cse.toml").write_text(f"""
[state]
dir = "{folder}/state"
kek_file = "{folder}/kek"
decision_log = "{self.log}"
[tls]
certificate = "{folder}/in.pem"
private_key = "tls"
[[tls.trust]]
file = "{folder}/ca/ca.pem"
[[tls.trust]]
file = "{operator_ca}"
[[listen]]
name = "local"
kind = "trusted-unix"
path = "{self.socket}"
originators = ["Sadmin", "Cphone"]
[[listen]]
name = "public"
address = "127.0.0.1"
port = {self.port}
[[token_issuer]]
id = "das.sp.example"
domains = ["das.sp.example"]
classes = ["signature-only"]
[[token_issuer.key]]
kid = "das-1"
file = "{folder}/token.pub.pem"
algorithms = ["ES256"]
[cse]
type = "IN"
sp_id = "//sp.example"
cse_id = "/in-cse"
administrator = "/Sadmin"
[location]
url = "https://{NAME}:{location_port}/location/v1"
address = "127.0.0.1"
port = {location_port}
notify_url = "https://{CSE}:{self.notify_port}/location"
notify_address = "127.0.0.1"
notify_port = {self.notify_port}
age_limit = "1s"
retry = "1s"
""")

    def start(self):
        self.process = subprocess.Popen([BIN / "latchkey-cse", "--config", self.folder / "cse.toml"], stderr=open(self.folder / "stderr", "a"))
        for _ in range(1500):
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(self.socket))
                return
            except OSError:
                require(self.process.poll() is None, (self.folder / "stderr").read_text())
                time.sleep(0.02)
        sys.exit("the CSE does not listen")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        require(self.process.wait(20) == 0, "SIGTERM")

    def ask(self, operation, to, origin, ty=None, body=None):
        command = [BIN / "latchkey", "--json", "request", operation, to, "--from", origin, "--sp", "//sp.example", "--url", f"unix:{self.socket}"]
        command += ["--ty", str(ty)] if ty else []
        command += ["--body", "-"] if body else []
        done = subprocess.run(command, input=json.dumps(body) if body else None, capture_output=True, text=True)
        try:
            return json.loads(done.stdout)["rsc"]
        except (ValueError, KeyError):
            sys.exit(f"{command}: {done.stdout}{done.stderr}")

    def furnish(self):
        rules = {"acr": [{"acor": ["/in-cse/Cphone"], "acop": 2, "acco": [{"aclr": {"accr": [48.85, 2.35, 200]}}]}]}
        own = {"acr": [{"acor": ["/Sadmin"], "acop": 63}]}
        for ty, to, origin, body in ((1, "/in-cse/-", "Sadmin", {"m2m:acp": {"rn": "near", "pv": rules, "pvs": own}}),
                                     (3, "/in-cse/-", "Sadmin", {"m2m:cnt": {"rn": "door", "acpi": ["-/near"]}}),
                                     (2, "/in-cse/-", "Cphone", {"m2m:ae": {"api": "Nphone", "rr": False, "srv": ["3"]}})):
            rsc = self.ask("create", to, origin, ty, body)
            require(rsc == 2001, f"create {body}: {rsc}")

    def door(self):
        return self.ask("retrieve", "/in-cse/-/door", "Cphone")


    def keys(self, *command):
        run(BIN / "latchkey", "psk", *command, "--state-dir", self.folder / "state", "--kek", self.folder / "kek", "--sp", "//sp.example")

    def lock_is_served(self):
        """Over TLS with a key of the lookup table."""
        command = [BIN / "latchkey", "--json", "request", "retrieve", "/in-cse/-", "--from", "Clock", "--sp", "//sp.example", "--server", "/in-cse",
                   "--url", f"https://127.0.0.1:{self.port}", "--psk-identity", "lock@sp.example", "--psk-file", self.folder / "lock.hex"]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode == 0 or '"rsc":4106' in done.stdout.replace(" ", "")  # it has not registered: TLS let it in

    def hang_up(self, event):
        """SIGHUP, until the log tells of it: the reason."""
        def events():
            lines = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
            return [line for line in lines if line["event"] == event]
        before = len(events())
        self.process.send_signal(signal.SIGHUP)
        for _ in range(500):
            if len(events()) > before:
                return events()[-1]["reason"]
            time.sleep(0.02)
        sys.exit(f"no {event} after SIGHUP")


def reload_by_parts(cse):
    table, issuer = cse.folder / "state" / "psk.tsv", cse.folder / "token.pub.pem"
    cse.keys("add", "--entity", "/in-cse/Clock", "--identity", "lock@sp.example", "--key", cse.folder / "lock.hex")
    require(not cse.lock_is_served(), "a key is known before SIGHUP")
    good = issuer.read_text()
    issuer.write_text("damaged")
    require(issuer.name in cse.hang_up("configuration_refused"), "the damaged key of the issuer is not named")
    require(cse.lock_is_served(), "a damaged key of an issuer keeps a new key out")
    cse.keys("remove", "lock@sp.example")
    cse.hang_up("configuration_refused")
    require(not cse.lock_is_served(), "a damaged key of an issuer keeps a removed key alive")
    kept = table.read_text()
    table.write_text(kept + "damaged\n")
    reason = cse.hang_up("configuration_refused")
    require(issuer.name in reason and table.name in reason, f"what cannot be read is not named: {reason}")
    table.write_text(kept)
    issuer.write_text(good)
    cse.hang_up("credential_reloaded")


def place_by_tls(cse, operator):
    require(cse.door() == 2000, "at home, and not let in: " + (cse.folder / "stderr").read_text())
    require(operator.clients and all(CSE in names for names in operator.clients), f"clients {operator.clients}")
    require(len(operator.subscriptions) == 2, f"subscriptions {operator.subscriptions}")


def callbacks(cse, operator, server, stranger, posing):
    time.sleep(1.2)  # coordinates are too old from now on: what the area reports counts
    operator.place = AWAY
    for what, (chain, key) in {"a stranger's": stranger, "another server's": posing, "the CSE's own": (cse.folder / "in.pem", cse.folder / "in.key")}.items():
        require(operator.report("Leaving", chain, key) is None, f"a report with {what} certificate is taken")
    queries = operator.queries
    require(cse.door() == 2000 and operator.queries == queries, "it has left by the word of a stranger")
    require(operator.report("Leaving", *server) == 204, "the server's report is not taken")
    require(cse.door() == 4103 and operator.queries == queries, "it has left")


def restart(cse, operator, server):
    cse.stop()
    cse.start()
    queries = operator.queries
    require(cse.door() == 4103 and operator.queries == queries + 1, "after a restart the area is asked for again")
    operator.place = HOME
    require(operator.report("Entering", *server) == 204, "the subscription of before is not known any more")
    time.sleep(1.2)
    require(cse.door() == 2000 and operator.queries == queries + 1, "it has come home")
    require(len(operator.subscriptions) == 2, "subscribed to anew")


def another_server(cse, operator, impostors):
    for what, (chain, key) in impostors.items():
        operator.stop()
        cse.stop()
        for record in list(operator.subscriptions):
            del operator.subscriptions[record]
        operator.start(chain, key)
        cse.start()
        queries = operator.queries
        time.sleep(1.2)
        require(cse.door() == 4103, f"{what} is believed")
        require(operator.queries == queries, f"{what} is asked")


with tempfile.TemporaryDirectory(prefix="latchkey-location-") as name:
    folder = pathlib.Path(name)
    operators = Authority(folder, "operators", "operator.example")
    strangers = Authority(folder, "strangers", "operator.example")
    server, posing, stranger = operators.issue(NAME), operators.issue(OTHER), strangers.issue(NAME)
    location = Operator(folder / "ca" / "ca.pem")
    cse = Cse(folder, location.port, operators.pem)
    location.start(*server)
    cse.start()
    try:
        reload_by_parts(cse)
        cse.furnish()
        place_by_tls(cse, location)
        callbacks(cse, location, server, stranger, posing)
        restart(cse, location, server)
        another_server(cse, location, {"a server of another name": posing, "a server of another CA": stranger})
        cse.stop()
    finally:
        cse.process.kill()
    print("files reloaded each by itself; places over TLS: asked, reported, kept over a restart; strangers heard neither way")
