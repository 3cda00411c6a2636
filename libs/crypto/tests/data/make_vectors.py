#!/usr/bin/env python3
"""Writes derivation.vec and nfkc.vec beside this file, with nothing of the product.

Every MAC is computed twice, by the openssl command that is written above the vector and by Python's hmac; NFKC is that
of Python's unicodedata. A line is: name, function, then its arguments and the result, each in hex, separated by tabs.
"""
import hashlib, hmac, pathlib, subprocess, unicodedata

HERE = pathlib.Path(__file__).parent
KE = bytes(range(0x20, 0x40))
lines = ["# Written by make_vectors.py; do not edit."]


def mac(key, message, digest="sha256"):
    command = ["openssl", "dgst", "-" + digest, "-mac", "HMAC", "-macopt", "hexkey:" + key.hex()]
    shown = "# printf '%s' | xxd -r -p | %s" % (message.hex(), " ".join(command))
    result = bytes.fromhex(subprocess.run(command, input=message, capture_output=True, check=True).stdout.split()[-1].decode())
    assert result == hmac.new(key, message, digest).digest()
    lines.append(shown)
    return result


def vector(name, function, *fields):
    lines.append("\t".join([name, function] + [field.hex() for field in fields]))


def normal(text):
    return unicodedata.normalize("NFKC", text).encode()


KM = b"oneM2M Enrolment Key to Master Credential derivation"
KPSA = b"oneM2M Enrolment Key to Provisioned Secure Connection Key derivation"
USAGE = b"oneM2M Enrolment Key to Usage-Constrained Symmetric Key derivation"
SESSION = b"oneM2M HMAC-SHA256 sessionESPrimKey derivation algorithm"

IDS = {
    "ascii": "myMAF.provider.org",
    "latin_ligature_fi": "\ufb01rst.example.org",
    "fullwidth_letters": "\uff4d\uff41\uff46.example.org",
    "combining_acute": "caf\u0065\u0301.example.org",
    "angstrom_sign": "\u212bngstr\u00f6m.example.org",
    "long_s_with_dots": "\u1e9b\u0323.example.org",
    "arabic_ligature": "\ufdfa.example.org",
    "beyond_the_bmp": "\U0001d40cAF.example.org",
}
for name, text in IDS.items():
    vector(name, "km", KE, text.encode(), mac(KE, KM + normal(text)))
for name, text in {**IDS, "cse_id": "//m2m.sp.example/in-cse", "ae_id": "//m2m.sp.example/in-cse/Clock"}.items():
    vector(name, "kpsa", KE, text.encode(), mac(KE, KPSA + normal(text)))
for suid in (10, 11, 12, 13, 14, 15, 21, 22, 23, 24, 25, 32, 33, 34, 35):
    target = "in-cse.m2m.sp.example"
    vector("suid_%d" % suid, "usage", KE, bytes([suid]), target.encode(), mac(KE, USAGE + b"%d" % suid + normal(target)))
vector("fullwidth_letters", "usage", KE, bytes([32]), IDS["fullwidth_letters"].encode(),
       mac(KE, USAGE + b"32" + normal(IDS["fullwidth_letters"])))

LABELS = (b"E2E Message Authentication Key", b"E2E Message Confidentiality Key", b"E2E Attribute Authenticity Key",
          b"E2E Attribute Confidentiality Key")
for digest, suffix in (("sha256", ""), ("sha512", "_512")):
    for name, salt in {"salt": bytes.fromhex("000102030405060708090a0b0c"), "salt_longer_than_a_block": bytes(range(200))}.items():
        vector(name, "ke2e_master" + suffix, salt, KE, mac(salt, KE, digest))
    # RFC 5869 2.2: without a salt, a string of HashLen zeros.
    vector("no_salt", "ke2e_master" + suffix, b"", KE, mac(bytes(hashlib.new(digest).digest_size), KE, digest))
    master = hashlib.new(digest, b"Ke2e_master of the vectors").digest()
    keys, previous = [], b""
    for number, label in enumerate(LABELS, 1):
        previous = mac(master, previous + label + bytes([number]), digest)
        keys.append(previous)
    vector("four_keys", "expand_ke2e" + suffix, master, *keys)
# RFC 5869 A.1: its extraction is that of 10.3.6.1.
vector("rfc_5869_a_1", "ke2e_master", bytes.fromhex("000102030405060708090a0b0c"), b"\x0b" * 22,
       bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"))

receiver = b'{"esri":"r1","esrv":"cmVjZWl2ZXI","esrx":"20261124T120000","esk":1,"espa":[10,12]}'
originator = b'{"esri":"o1","esrv":"b3JpZ2luYXRvcg","esrx":"20261124T120000","esk":1,"espa":[10]}'
vector("rand_objects", "session", KE, receiver, originator, mac(KE, receiver + originator + SESSION))
(HERE / "derivation.vec").write_text("\n".join(lines) + "\n")

TEXTS = dict(IDS, hangul_jamo="\u1112\u1161\u11ab", square_kiro="\u3314", superscript_two="x\u00b2", roman_four="\u2163",
             no_break_space="a\u00a0b", half_width_katakana="\uff76\uff9e", deseret="\U00010400", reordered_marks="q\u0307\u0323",
             capital_kept="MAF.Example", sharp_s_kept="stra\u00dfe")
lines = ["# Written by make_vectors.py with unicodedata %s; do not edit." % unicodedata.unidata_version]
for name, text in TEXTS.items():
    vector(name, "nfkc", text.encode(), normal(text))
(HERE / "nfkc.vec").write_text("\n".join(lines) + "\n")
