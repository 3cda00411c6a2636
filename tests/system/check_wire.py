#!/usr/bin/env python3
"""check_wire.py FOLDER: TR-0038 Annexes A.2 to A.4 against what really passed between the programs of the story.

FOLDER is the story's, with lock1.pcap (lock to gateway), gateway.pcap (gateway to IN-CSE), maf.pcap and phone.pcap, the
key logs of lock and phone, and keys/. Every message and field is checked, with the slips of A.3 corrected, then every
check is tried on captures that were spoilt in one place, which must be refused. Prints one line a check ("+ ...") and
last "covers ID...".
"""
import json
import re
import sys

sys.dont_write_bytecode = True  # the source folder stays as it is

import wire  # noqa: E402
from wire import CERTIFICATE, CHANGE, CLIENT_KEY, DATA, DONE, HANDSHAKE, HELLO, REQUEST, SERVER_HELLO, SERVER_KEY, VERIFY, WireError, need  # noqa: E402

PSK, ECDHE = 0x00AE, 0xC023
LOCK_IDENTITY = b"AE123456789012-Lock@in.provider.com"


# ---- what both annexes say ----

def check_hellos(session, suite):
    first = session.records[0]
    need(first.from_client and first.type == HANDSHAKE, "a handshake begins with a record 0x16 of the client")
    need(first.version == 0x0301, "record version of the ClientHello is not 0x0301")
    hello = session.client_hello()
    need(hello["version"] == 0x0303, "client version is not TLS 1.2")
    need(suite in hello["suites"], "the ClientHello does not offer the suite")
    need(hello["compression"] == b"\0", "the client offers compression")
    answer = session.server_hello()
    need(answer["version"] == 0x0303, "server version is not TLS 1.2")
    need(answer["suite"] == suite, f"the server chose {answer['suite']:#06x}")
    need(answer["compression"] == 0, "compression is not null")
    need(answer["random"] != hello["random"], "one random value of both sides")
    need(all(record.version == 0x0303 for record in session.records[1:]), "a record whose version is not 0x0303")
    need(session.message(DONE, False).body == b"", "ServerHelloDone has content")


def check_order(session, wanted):
    """The clear messages, then ChangeCipherSpec and one sealed record (Finished) of each side, client first."""
    got = [(message.from_client, message.type) for message in session.messages]
    need(got == wanted, "messages: " + ", ".join(f"{'>' if message.from_client else '<'}{message.name()}" for message in session.messages))
    need(all(message.alone for message in session.messages if message.type in (HELLO, SERVER_HELLO, CLIENT_KEY)), "a record with several messages")
    tail = [(record.from_client, record.type) for record in session.records if record.type != HANDSHAKE or record in session.sealed[True] + session.sealed[False]]
    need(tail[:4] == [(True, CHANGE), (True, HANDSHAKE), (False, CHANGE), (False, HANDSHAKE)], "not ChangeCipherSpec, Finished of client and server")
    changes = [record for record in session.records if record.type == CHANGE]
    need(len(changes) == 2 and all(record.body == b"\1" for record in changes), "ChangeCipherSpec is not one octet 0x01, once a side")
    need(all(len(session.sealed[side][0].body) % 16 == 0 and len(session.sealed[side][0].body) >= 64 for side in (True, False)),
         "Finished is not encrypted")
    need([record for record in session.records if record.type == DATA], "no application data")


# ---- A.2 ----

def check_psk(chunks, identity, psk, key_log=None):
    session = wire.Session(chunks)
    check_hellos(session, PSK)
    check_order(session, [(True, HELLO), (False, SERVER_HELLO), (False, DONE), (True, CLIENT_KEY)])
    key = session.message(CLIENT_KEY, True).body
    need(key == len(identity).to_bytes(2, "big") + identity, f"ClientKeyExchange is not the PSK identity: {key!r}")
    session.open_with_psk(psk)  # Finished of both sides, every MAC
    need(session.exchanges(), "no request inside")
    if key_log:
        again = wire.Session(chunks)
        again.open_with_log(key_log)
        need(again.plain == session.plain, "the key log opens the capture to something else than Kpsa does")
    return session


# ---- A.3 ----

def check_certificates(chunks, server_chain, client_chain, key_log=None):
    session = wire.Session(chunks)
    check_hellos(session, ECDHE)
    extensions = session.client_hello()["extensions"]
    for kind, name in ((10, "curves"), (11, "point formats"), (13, "signature algorithms")):
        need(kind in extensions, f"the ClientHello has no extension for {name}")
    check_order(session, [(True, HELLO), (False, SERVER_HELLO), (False, CERTIFICATE), (False, SERVER_KEY), (False, REQUEST), (False, DONE),
                          (True, CERTIFICATE), (True, CLIENT_KEY), (True, VERIFY)])
    need(session.certificates(False) == server_chain, "the server's Certificate is not its chain, leaf first")
    need(session.certificates(True) == client_chain, "the client's Certificate is not its chain, leaf first")
    randoms = session.client_hello()["random"] + session.server_hello()["random"]
    exchange = wire.Octets(session.message(SERVER_KEY, False).body)
    parameters = exchange.take(3) + exchange.take(66)
    need(parameters[:5] == bytes([3, 0, 23, 65, 4]), "ServerKeyExchange is no point of secp256r1")
    check_signature(exchange, server_chain[0], randoms + parameters, "ServerKeyExchange")
    request = wire.Octets(session.message(REQUEST, False).body)
    types, algorithms, names = request.vector(1), request.vector(2), request.vector(2)
    need(64 in types, "CertificateRequest has no type ecdsa_sign")
    need(bytes([4, 3]) in [algorithms[i:i + 2] for i in range(0, len(algorithms), 2)], "CertificateRequest has no ECDSA with SHA-256")
    need(b"Trusted Certificate Authority" in names, "CertificateRequest does not name the trusted issuer")
    point = session.message(CLIENT_KEY, True).body
    need(len(point) == 66 and point[:2] == bytes([65, 4]), "ClientKeyExchange is not one ECDH point: a PSK identity?")
    verify = wire.Octets(session.message(VERIFY, True).body)
    check_signature(verify, client_chain[0], session.transcript(CLIENT_KEY), "CertificateVerify")
    if key_log:
        session.open_with_log(key_log)
        need(session.exchanges(), "no request inside")
    return session


def check_signature(octets, certificate, signed, what):
    need(octets.take(2) == bytes([4, 3]), f"{what} is not ECDSA with SHA-256")
    need(wire.ecdsa_verifies(certificate, octets.vector(2), signed), f"{what}: the signature is wrong")
    need(octets.rest() == b"", f"{what} has octets behind the signature")


# ---- nothing in clear ----

def words_of(session):
    """Names and values of the primitives of an opened session: header values, paths, keys and values of the JSON."""
    def texts(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from texts(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from texts(inner)
        elif isinstance(value, str):
            yield value
    words = {"HTTP/1.1", "X-M2M-"}
    for request, response in session.exchanges():
        words.add(request.first.split(" ")[1])
        for message in filter(None, (request, response)):
            for name, value in message.headers:
                words |= {name, value}
            if message.body:
                words |= set(texts(json.loads(message.body)))
    return {word for word in words if len(word) >= 6}  # shorter ones may come up in random octets


def check_nothing_in_clear(sessions, words):
    """No word of a primitive stands anywhere in a capture, but for names that the handshake itself must show: the SNI, the
    PSK identity and what the certificates say. Returns those."""
    shown = set()
    for session in sessions:
        hidden = b"".join(record.body for side in (True, False) for record in session.sealed[side])
        clear = {message.type: message.body for message in session.messages}
        allowed = b"".join(body for kind, body in clear.items() if kind in (HELLO, CERTIFICATE, CLIENT_KEY, REQUEST))
        other = b"".join(body for kind, body in clear.items() if kind not in (HELLO, CERTIFICATE, CLIENT_KEY, REQUEST))
        for word in words:
            octets = word.encode()
            need(octets not in hidden and octets not in other, f"in clear: {word}")
            if octets in allowed:
                shown.add(word)
    return shown


# ---- checking the checks ----

def spoil(chunks, change):
    """The connection with its records changed by change(list of Record)."""
    records = wire.records(chunks)
    change(records)
    return [(record.from_client, record.whole(), record.place) for record in records]


def replace(where, old, new):
    def change(records):
        record = records[where(records)]
        need(old in record.body, "nothing to spoil")
        record.body = record.body.replace(old, new, 1)
    return change


def message_at(kind, from_client):
    return lambda records: next(i for i, record in enumerate(records) if record.from_client == from_client and record.type == HANDSHAKE and record.body[0] == kind)


def record_at(kind, from_client):
    return lambda records: next(i for i, record in enumerate(records) if record.from_client == from_client and record.type == kind)


def flip(where, octet):
    def change(records):
        body = bytearray(records[where(records)].body)
        body[octet] ^= 1
        records[where(records)].body = bytes(body)
    return change


def swap(one, other):
    def change(records):
        i, j = one(records), other(records)
        records[i], records[j] = records[j], records[i]
    return change


def set_version(where, version):
    def change(records):
        records[where(records)].version = version
    return change


def insert_clear(records):
    records.append(wire.Record(True, DATA, 0x0303, b"GET /~/in-cse HTTP/1.1\r\nX-M2M-Origin: Clock-AE1\r\n\r\n"))


def without(where):
    return lambda records: records.pop(where(records))


HELLO_SPOILS = {
    "record version of the ClientHello": set_version(message_at(HELLO, True), 0x0303),
    "version of the ClientHello": flip(message_at(HELLO, True), 5),
    "version of the ServerHello": flip(message_at(SERVER_HELLO, False), 5),
    "version of a record": set_version(record_at(CHANGE, False), 0x0302),
    "another suite": lambda records: replace(message_at(SERVER_HELLO, False), records_suite(records), b"\x00\x8c\x00")(records),
    "a compression method": lambda records: replace(message_at(SERVER_HELLO, False), records_suite(records), records_suite(records)[:2] + b"\1")(records),
    "ServerHelloDone with content": replace(message_at(DONE, False), b"\x0e\0\0\0", b"\x0e\0\0\1x"),
    "ChangeCipherSpec of another value": flip(record_at(CHANGE, True), 0),
    "ChangeCipherSpec before ClientKeyExchange": swap(message_at(CLIENT_KEY, True), record_at(CHANGE, True)),
    "no ChangeCipherSpec of the server": without(record_at(CHANGE, False)),
    "no ServerHelloDone": without(message_at(DONE, False)),
}
SEALED_SPOILS = {
    "a changed Finished of the client": lambda records: flip(lambda r: record_at(CHANGE, True)(r) + 1, 20)(records),
    "a changed Finished of the server": lambda records: flip(lambda r: record_at(CHANGE, False)(r) + 1, 20)(records),
    "a changed record of application data": flip(record_at(DATA, True), 40),
    "a request in clear": insert_clear,
}
PSK_SPOILS = {"another identity": flip(message_at(CLIENT_KEY, True), 10)}
CERTIFICATE_SPOILS = {
    "no CertificateRequest": without(message_at(REQUEST, False)),
    "no CertificateVerify": without(message_at(VERIFY, True)),
    "CertificateVerify with another hash": flip(message_at(VERIFY, True), 4),
    "a changed CertificateVerify": flip(message_at(VERIFY, True), 30),
    "a changed ServerKeyExchange": flip(message_at(SERVER_KEY, False), 100),
    "Certificate as 0x11": lambda records: flip_type(records, CERTIFICATE, 0x11),
    "a PSK identity instead of a point": lambda records: identity_for_point(records),
    "a changed certificate of the client": flip(message_at(CERTIFICATE, True), 100),
    "a changed certificate of the server": flip(message_at(CERTIFICATE, False), 100),
    "a changed issuer name": replace(message_at(REQUEST, False), b"Trusted", b"Another"),
}


def records_suite(records):
    body = records[message_at(SERVER_HELLO, False)(records)].body
    after = 4 + 2 + 32 + 1 + body[4 + 34]
    return body[after:after + 3]


def flip_type(records, old, new):
    record = records[message_at(old, False)(records)]
    record.body = bytes([new]) + record.body[1:]


def identity_for_point(records):
    record = records[message_at(CLIENT_KEY, True)(records)]
    content = len(LOCK_IDENTITY).to_bytes(2, "big") + LOCK_IDENTITY
    record.body = bytes([CLIENT_KEY]) + len(content).to_bytes(3, "big") + content


def must_refuse(chunks, check, spoils):
    for name, change in spoils.items():
        try:
            check(spoil(chunks, change))
        except WireError:
            continue
        raise WireError(f"the check did not see: {name}")
    return len(spoils)


# ---- the story ----

def pem_chain(path):
    with open(path, encoding="ascii") as file:
        import base64
        return [base64.b64decode(one) for one in re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END", file.read(), re.S)]


def first_of(path, suite):
    for chunks in wire.connections(path):
        session = wire.Session(chunks)
        if session.messages and any(message.type == SERVER_HELLO for message in session.messages):
            need(session.server_hello()["suite"] == suite, f"{path} begins with another suite")
            return chunks
    raise WireError(f"{path} has no handshake")


def main(folder):
    say = lambda text: print(f"+ {text}")
    covered = []
    at = lambda name: f"{folder}/{name}"
    with open(at("keys/lock1.hex"), encoding="ascii") as file:
        psk = bytes.fromhex(file.read().strip())

    lock_chunks = first_of(at("lock1.pcap"), PSK)
    lock = check_psk(lock_chunks, LOCK_IDENTITY, psk, at("lock1.keys"))
    say("lock to gateway is Annex A.2, message by message: 0x00ae, psk_identity in ClientKeyExchange, sealed Finished")
    say(f"Kpsa alone opens the capture, and so does the lock's key log: {len(lock.exchanges())} requests")
    covered += ["TR-A.2-01", "TR-A.2-03", "TR-A.2-04", "TR-A.2-05", "TR-A.2-06", "TR-A.2-07", "TR-A.2-09", "TR-7.1.2-01"]

    chains = {name: pem_chain(at(f"keys/{name}.pem")) for name in ("in", "mn", "maf", "phone")}
    gateway_chunks = first_of(at("gateway.pcap"), ECDHE)
    gateway = check_certificates(gateway_chunks, chains["in"], chains["mn"])
    say("gateway to IN-CSE is Annex A.3 corrected: 0xc023, both chains, CertificateRequest, CertificateVerify by ECDSA with SHA-256")
    covered += [f"TR-A.3-{n:02}" for n in (1, 2, 3, 4, 6, 7, 9, 11)] + ["TR-7.1.3-01"]

    maf_chunks = first_of(at("maf.pcap"), ECDHE)
    maf = check_certificates(maf_chunks, chains["maf"], chains["phone"], at("phone.keys"))
    exported = maf.export(b"EXPORTER-oneM2M-Connection", 48)
    identity = f"{exported[:16].hex().upper()}@myMAF.provider.org".encode()
    phone = check_psk(first_of(at("phone.pcap"), PSK), identity, exported[16:], at("phone.keys"))
    say("phone to MAF is Annex A.3 too; the 48 octets exported from it (A.4) are KcID, which the phone then presents, and Kc, which opens its session")
    covered += ["TR-A.4-01", "TR-A.4-02", "TR-A.4-03", "TR-A.4-04", "TR-7.1.4-06", "TR-7.1.4-07"]

    opened = [lock, maf, phone]
    words = set().union(*map(words_of, opened))
    every = [wire.Session(chunks) for name in ("lock1", "gateway", "maf", "phone") for chunks in wire.connections(at(f"{name}.pcap")) if chunks]
    shown = check_nothing_in_clear(every, words)
    say(f"none of {len(words)} names and values of the primitives is in {len(every)} recorded connections, but what a handshake must show: {', '.join(sorted(shown))}")

    tried = must_refuse(lock_chunks, lambda chunks: check_psk(chunks, LOCK_IDENTITY, psk), HELLO_SPOILS | SEALED_SPOILS | PSK_SPOILS)
    tried += must_refuse(maf_chunks, lambda chunks: check_certificates(chunks, chains["maf"], chains["phone"], at("phone.keys")),
                         HELLO_SPOILS | SEALED_SPOILS | CERTIFICATE_SPOILS)
    leak = spoil(gateway_chunks, lambda records: records.append(wire.Record(True, DATA, 0x0303, b"to: /mn-cse-123456/front-door-lock/command")))
    try:
        check_nothing_in_clear([wire.Session(leak)], {"front-door-lock"})
    except WireError:
        tried += 1
    else:
        raise WireError("the check did not see a resource name in clear")
    say(f"the checks refuse {tried} captures that were spoilt in one place")
    print("covers", *covered)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except WireError as error:
        sys.exit(f"check_wire: {error}")
