"""Reads captures of TLS 1.2 as octets: records, handshake messages and, with a key, what they protect.

Independent of the libraries that Latchkey uses: RFC 5246, 4279, 5705, 7366 and 7627 by hand; AES and ECDSA by the
openssl command. Only the two suites of TR-0038 are known, both AES-128-CBC with HMAC-SHA-256.
"""
import bisect
import collections
import dataclasses
import hashlib
import hmac
import itertools
import os
import re
import struct
import subprocess
import tempfile

HANDSHAKE, CHANGE, ALERT, DATA = 22, 20, 21, 23
HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY, REQUEST, DONE, VERIFY, CLIENT_KEY, FINISHED = 1, 2, 11, 12, 13, 14, 15, 16, 20
MESSAGE_NAMES = {0: "HelloRequest", 1: "ClientHello", 2: "ServerHello", 4: "NewSessionTicket", 11: "Certificate",
                 12: "ServerKeyExchange", 13: "CertificateRequest", 14: "ServerHelloDone", 15: "CertificateVerify",
                 16: "ClientKeyExchange", 20: "Finished"}
SUITE_NAMES = {0x00AE: "TLS_PSK_WITH_AES_128_CBC_SHA256", 0xC023: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"}


class WireError(Exception):
    """The octets are not what they should be."""


def need(condition, what):
    if not condition:
        raise WireError(what)


def number(octets):
    return int.from_bytes(octets, "big")


class Octets:
    """Reads from the front; too short is an error."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        need(self.at + count <= len(self.data), f"{count} octets are missing")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return number(self.take(count))

    def vector(self, length_octets):
        return self.take(self.number(length_octets))

    def rest(self):
        return self.take(len(self.data) - self.at)


# ---- capture ----

def connections(path):
    """Per connection, in the order of their beginning: [(from_client, octets, place in the capture)...]."""
    with open(path, "rb") as file:
        data = file.read()
    found, server_of, place = collections.OrderedDict(), {}, 0
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        packet = data[at + 16:at + 16 + size]
        at, place = at + 16 + size, place + 1
        source, target = struct.unpack(">HH", packet[20:24])
        flags, payload = packet[33], packet[40:]
        if flags == 2:  # SYN
            server_of[source] = target
            found[source] = []
        from_client = server_of.get(source) == target
        if payload:
            found[source if from_client else target].append((from_client, payload, place))
    return list(found.values())


@dataclasses.dataclass
class Record:
    from_client: bool
    type: int
    version: int
    body: bytes
    place: int = 0  # in the capture

    def whole(self):
        return struct.pack(">BHH", self.type, self.version, len(self.body)) + self.body


def records(chunks):
    """Every octet of a connection must belong to a record; a last one that is cut off is left out."""
    buffers, out = {True: b"", False: b""}, []
    for from_client, octets, place in chunks:
        buffer = buffers[from_client] + octets
        while len(buffer) >= 5:
            kind, version, length = struct.unpack(">BHH", buffer[:5])
            need(kind in (CHANGE, ALERT, HANDSHAKE, DATA), f"octets that are no TLS record: {buffer[:16]!r}")
            need(length <= 16384 + 2048, f"a record of {length} octets")
            if len(buffer) < 5 + length:
                break
            out.append(Record(from_client, kind, version, buffer[5:5 + length], place))
            buffer = buffer[5 + length:]
        buffers[from_client] = buffer
    return out


@dataclasses.dataclass
class Message:
    from_client: bool
    type: int
    body: bytes
    whole: bytes
    alone: bool  # the only message of its record

    def name(self):
        return MESSAGE_NAMES.get(self.type, f"type {self.type}")


# ---- cryptography ----

def prf(secret, label, seed, size):
    seed = label + seed
    out, a = b"", seed
    while len(out) < size:
        a = hmac.digest(secret, a, "sha256")
        out += hmac.digest(secret, a + seed, "sha256")
    return out[:size]


def aes_cbc(key, octets):
    return subprocess.run(["openssl", "enc", "-d", "-aes-128-cbc", "-nopad", "-K", key.hex(), "-iv", "00" * 16],
                          input=octets, stdout=subprocess.PIPE, check=True).stdout


def ecdsa_verifies(certificate_der, signature, signed):
    with tempfile.TemporaryDirectory() as folder:
        def at(name, content=None):
            path = os.path.join(folder, name)
            if content is not None:
                with open(path, "wb") as file:
                    file.write(content)
            return path
        run = lambda *command: subprocess.run(["openssl", *command], capture_output=True, check=False)
        run("x509", "-inform", "DER", "-in", at("leaf", certificate_der), "-pubkey", "-noout", "-out", at("key"))
        return run("dgst", "-sha256", "-verify", at("key"), "-signature", at("sig", signature), at("text", signed)).returncode == 0


class Session:
    """One connection, taken apart."""

    def __init__(self, chunks):
        self.records = records(chunks)
        self.messages, self.sealed = [], {True: [], False: []}  # sealed: records behind ChangeCipherSpec
        changed = {True: False, False: False}
        pending = {True: b"", False: b""}
        for record in self.records:
            side = record.from_client
            if changed[side]:
                self.sealed[side].append(record)
            elif record.type == CHANGE:
                changed[side] = True
            elif record.type == HANDSHAKE:
                buffer = pending[side] + record.body
                count = len(self.messages)
                while len(buffer) >= 4 and len(buffer) >= 4 + number(buffer[1:4]):
                    end = 4 + number(buffer[1:4])
                    self.messages.append(Message(side, buffer[0], buffer[4:end], buffer[:end], True))
                    buffer = buffer[end:]
                if len(self.messages) - count > 1:
                    for message in self.messages[count:]:
                        message.alone = False
                pending[side] = buffer
            else:
                need(record.type == ALERT, "application data before ChangeCipherSpec: it is in clear")
        self.plain = None

    def message(self, kind, from_client):
        for message in self.messages:
            if message.type == kind and message.from_client == from_client:
                return message
        raise WireError(f"no {MESSAGE_NAMES[kind]} of the {'client' if from_client else 'server'}")

    def client_hello(self):
        body = Octets(self.message(HELLO, True).body)
        version, random, session_id = body.number(2), body.take(32), body.vector(1)
        suites = body.vector(2)
        return dict(version=version, random=random, session_id=session_id, suites=[number(suites[i:i + 2]) for i in range(0, len(suites), 2)], compression=body.vector(1),
                    extensions=self._extensions(body))

    def server_hello(self):
        body = Octets(self.message(SERVER_HELLO, False).body)
        return dict(version=body.number(2), random=body.take(32), session_id=body.vector(1), suite=body.number(2),
                    compression=body.number(1), extensions=self._extensions(body))

    @staticmethod
    def _extensions(body):
        out = {}
        if body.at < len(body.data):
            rest = Octets(body.vector(2))
            while rest.at < len(rest.data):
                kind = rest.number(2)
                out[kind] = rest.vector(2)
        return out

    def certificates(self, from_client):
        message = Octets(self.message(CERTIFICATE, from_client).body)
        chain, out = Octets(message.vector(3)), []
        while chain.at < len(chain.data):
            out.append(chain.vector(3))
        return out

    def transcript(self, until=None):
        out = b""
        for message in self.messages:
            out += message.whole
            if until is not None and message.type == until:
                break
        return out

    # ---- opening ----
    def open_with_psk(self, psk):
        """RFC 4279 2: no key exchange besides, so whoever has Kpsa and the capture has everything."""
        size = struct.pack(">H", len(psk))
        self._open_premaster(size + bytes(len(psk)) + size + psk)

    def _open_premaster(self, premaster):
        need(23 in self.server_hello()["extensions"], "no extended master secret (RFC 7627)")
        self.open_with_master(prf(premaster, b"extended master secret", hashlib.sha256(self.transcript(CLIENT_KEY)).digest(), 48))

    def open_with_log(self, path):
        wanted = self.client_hello()["random"].hex()
        with open(path, encoding="ascii") as file:
            for line in file:
                match = re.fullmatch(r"CLIENT_RANDOM ([0-9a-fA-F]{64}) ([0-9a-fA-F]{96})\n", line)
                need(match, f"a line of the key log is not of TR-0038 A.2: {line!r}")
                if match[1].lower() == wanted:
                    return self.open_with_master(bytes.fromhex(match[2]))
        raise WireError("the key log has no line of this session")

    def open_with_master(self, master):
        """Decrypts and authenticates every record, and both Finished messages."""
        hello, answer = self.client_hello(), self.server_hello()
        self.master, self.randoms = master, hello["random"] + answer["random"]
        block = Octets(prf(master, b"key expansion", answer["random"] + hello["random"], 96))
        macs = {True: block.take(32), False: block.take(32)}
        keys = {True: block.take(16), False: block.take(16)}
        self.plain = {side: self._unseal(self.sealed[side], macs[side], keys[side], 22 in answer["extensions"]) for side in (True, False)}
        transcript = self.transcript()
        for side, label in ((True, b"client finished"), (False, b"server finished")):
            need(self.plain[side] and self.plain[side][0][0] == HANDSHAKE, "no Finished behind ChangeCipherSpec")
            finished = self.plain[side][0][1]
            need(finished[:4] == bytes([FINISHED, 0, 0, 12]), "Finished has not 12 octets of verify data")
            need(finished[4:] == prf(master, label, hashlib.sha256(transcript).digest(), 12), "verify data is wrong")
            transcript += finished

    @staticmethod
    def _unseal(sealed, mac_key, key, encrypt_then_mac):
        def mac(sequence, record, content):
            return hmac.digest(mac_key, struct.pack(">QBHH", sequence, record.type, record.version, len(content)) + content, "sha256")
        bodies = []
        for sequence, record in enumerate(sealed):
            body = record.body
            if encrypt_then_mac:
                body, tag = body[:-32], body[-32:]
                need(hmac.compare_digest(tag, mac(sequence, record, body)), f"record {sequence}: wrong MAC")
            need(len(body) >= 32 and len(body) % 16 == 0, f"record {sequence} is not whole AES blocks: in clear?")
            bodies.append(body)
        # CBC: the stream of all records opens at once; the block in the place of each IV is thrown away.
        stream, at, out = aes_cbc(key, b"".join(bodies)) if bodies else b"", 0, []
        for sequence, (record, body) in enumerate(zip(sealed, bodies)):
            content = stream[at + 16:at + len(body)]
            at += len(body)
            content = content[:len(content) - 1 - content[-1]]
            if not encrypt_then_mac:
                content, tag = content[:-32], content[-32:]
                need(hmac.compare_digest(tag, mac(sequence, record, content)), f"record {sequence}: wrong MAC")
            out.append((record.type, content))
        return out

    def export(self, label, size):
        """RFC 5705 without context."""
        return prf(self.master, label, self.randoms, size)

    def data(self, from_client):
        """[(octets, place in the capture)...] of the application data."""
        return [(content, record.place) for record, (kind, content) in zip(self.sealed[from_client], self.plain[from_client]) if kind == DATA]

    def exchanges(self):
        """[(request, response)...] of the HTTP inside; a request that still waits has None."""
        requests, responses = http_messages(self.data(True)), http_messages(self.data(False))
        return [(request, responses[i] if i < len(responses) else None) for i, request in enumerate(requests)]


@dataclasses.dataclass
class Http:
    first: str
    headers: list
    body: str
    place: int  # in the capture, where it begins

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def http_messages(parts):
    octets, out = b"".join(octets for octets, _ in parts), []
    begins = list(itertools.accumulate((len(part) for part, _ in parts), initial=0))
    total = len(octets)
    while octets:
        place = parts[bisect.bisect_right(begins, total - len(octets)) - 1][1]
        head, blank, rest = octets.partition(b"\r\n\r\n")
        if not blank:
            break
        first, *lines = head.decode().split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        message = Http(first, headers, "", place)
        size = int(message.header("Content-Length") or 0)
        if len(rest) < size:
            break
        message.body = rest[:size].decode()
        out.append(message)
        octets = rest[size:]
    return out
