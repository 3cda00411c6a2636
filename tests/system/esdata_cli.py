#!/usr/bin/env python3
"""latchkey esdata and latchkey esprim as a person types them: every class, bad input, exit status, nothing secret shown.

usage: esdata_cli.py PROGRAMS
"""
import atexit, json, os, pathlib, shutil, subprocess, sys, tempfile

LATCHKEY = pathlib.Path(sys.argv[1]).resolve() / "latchkey"
PAYLOAD = b'{"temperature":21}'
ESPRIM = ("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiSzFAbWFmLmV4YW1wbGUuY29tIiwib3JpIjoiVS1vcmcxIiwicnJpIjoiVS1yY3YxIn0"
          "..AAAAAAAAAAAAAAAA.ucmKg_28OZo.YRi8EYGCGM-QUDqj_x3CIQ\n")


def require(holds, what):
    if not holds:
        sys.exit("esdata_cli: " + what)


def latchkey(*words, data=PAYLOAD, status=0):
    ran = subprocess.run([LATCHKEY, *words], input=data, capture_output=True, timeout=60)
    require(ran.returncode == status, f"{' '.join(map(str, words))}: exit {ran.returncode}: {ran.stderr.decode()}{ran.stdout.decode()}")
    return ran.stdout


folder = pathlib.Path(tempfile.mkdtemp(prefix="esdata-cli-"))
atexit.register(shutil.rmtree, folder)
os.chdir(folder)


def secret(name, text):
    (folder / name).write_text(text)
    (folder / name).chmod(0o600)


secret("aes", "00" * 16)
secret("mac", "11" * 32)
secret("other", "22" * 16)
for name, curve in (("signer", "P-256"), ("reader", "P-384")):
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve], check=True, capture_output=True).stdout
    secret(name, pem.decode())
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=pem, check=True, capture_output=True).stdout
    (folder / (name + ".pub")).write_bytes(public)

# Each class and form comes back as it went in.
for form in ("compact", "json", "base64", "xml", "xml-base64"):
    text = latchkey("esdata", "seal", "--to", "k,14,A128KW,aes", "--form", form)
    require(b"temperature" not in text, "ciphertext")
    require(latchkey("esdata", "open", "--with", "k,14,A128KW,aes", data=text) == PAYLOAD, "open " + form)
    text = latchkey("esdata", "sign", "--with", "s,45,ES256,signer", "--form", form)
    require(latchkey("esdata", "verify", "--with", "s,45,ES256,signer.pub", data=text) == PAYLOAD, "verify " + form)
    text = latchkey("esdata", "sign", "--with", "m,15,HS256,mac", "--form", form)
    require(latchkey("esdata", "verify", "--with", "m,15,HS256,mac", data=text) == PAYLOAD, "MIC " + form)
    text = latchkey("esdata", "seal", "--sign", "s,45,ES256,signer", "--to", "r,44,ECDH-ES+A256KW,reader.pub", "--form", form)
    target = ("--with", "r,44,ECDH-ES+A256KW,reader", "--verify", "s,45,ES256,signer.pub")
    require(latchkey("esdata", "open", *target, data=text) == PAYLOAD, "nested " + form)
    opened = json.loads(latchkey("--json", "esdata", "open", *target, data=text))
    require(opened["class"] == "sign-then-encrypt" and opened["verified"] == ["s"] and opened["nonRepudiation"], "nested as JSON")

# Several recipients: each opens it, and says that it does not know who made it.
text = latchkey("esdata", "seal", "--to", "k,14,A128KW,aes", "--to", "r,44,ECDH-ES+A256KW,reader.pub")
for one in ("k,14,A128KW,aes", "r,44,ECDH-ES+A256KW,reader"):
    latchkey("esdata", "open", "--with", one, data=text, status=1)
    require(latchkey("esdata", "open", "--with", one, "--any-source", data=text) == PAYLOAD, one)
seen = json.loads(latchkey("--json", "esdata", "inspect", data=text))
require([r["header"]["kid"] for r in seen["recipients"]] == ["k", "r"], "inspect")

# Curves that XML Signature alone has; keys as openssl writes them.
pem = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"], check=True, capture_output=True).stdout
secret("brainpool", pem.decode())
(folder / "brainpool.pub").write_bytes(subprocess.run(["openssl", "pkey", "-pubout"], input=pem, check=True, capture_output=True).stdout)
text = latchkey("esdata", "sign", "--form", "xml", "--media-type", "text/plain", "--with", "b,45,ES256-brainpoolP256r1,brainpool")
require(b"xmldsig-more#ecdsa-sha256" in text, "identifier")
require(latchkey("esdata", "verify", "--with", "b,45,ES256-brainpoolP256r1,brainpool.pub", data=text) == PAYLOAD, "brainpool")
require(b"accepted" in latchkey("esdata", "inspect", "--verify", "b,45,ES256-brainpoolP256r1", data=text), "inspect: curve")
require(b"refused, algorithm" in latchkey("esdata", "inspect", "--verify", "b,45,ES384", data=text), "inspect: another algorithm")
latchkey("esdata", "verify", "--with", "b,45,ES256,brainpool.pub", data=text, status=1)  # the key is on another curve
seen = json.loads(latchkey("--json", "esdata", "inspect", data=text))
require(seen["kind"] == "XML-Signature" and seen["signatures"][0]["header"]["kid"] == "b", "inspect XML")

# Several recipients in XML, and identifiers as the standard prints them.
text = latchkey("esdata", "seal", "--form", "xml", "--to", "k,14,A128KW,aes", "--to", "r,44,ECDH-ES+A256KW,reader.pub")
for one in ("k,14,A128KW,aes", "r,44,ECDH-ES+A256KW,reader"):
    require(latchkey("esdata", "open", "--with", one, "--any-source", data=text) == PAYLOAD, "XML " + one)
words = latchkey("esdata", "inspect", data=text)
require(all(word in words for word in (b"XML-Encryption", b"kw-aes128", b"aes256-gcm", b'"kid":"r"')), "inspect: recipients of XML")
printed = text.replace(b"aes256-gcm", b"aes256gcm").replace(b"kw-aes128", b"kwaes128")
latchkey("esdata", "open", "--with", "k,14,A128KW,aes", "--any-source", data=printed, status=1)
require(latchkey("esdata", "open", "--with", "k,14,A128KW,aes", "--any-source", "--as-printed", data=printed) == PAYLOAD, "as printed")
latchkey("esdata", "sign", "--with", "b,45,ES256-brainpoolP256r1,brainpool", status=1)  # JOSE does not have it
latchkey("esdata", "open", "--with", "k,14,A128KW,aes", data=b"<!DOCTYPE x>" + text, status=1)

(folder / "payload").write_bytes(PAYLOAD)
(folder / "envelope").write_bytes(latchkey("esdata", "seal", "--to", "k,14,A128KW,aes", "payload", data=b""))
require(latchkey("esdata", "open", "--with", "k,14,A128KW,aes", "envelope", data=b"") == PAYLOAD, "files")

# What a policy says, without keys.
require(b"refused, source not verified" in latchkey("esdata", "inspect", "--with", "k,14,A128KW", data=text), "inspect: source")
require(b"accepted" in latchkey("esdata", "inspect", "--with", "k,14,A128KW", "--any-source", data=text), "inspect: accepted")
require(b"refused, unknown credential" in latchkey("esdata", "inspect", "--with", "x,14,A128KW", "--any-source", data=text), "inspect: kid")
require(b"refused, algorithm" in latchkey("esdata", "inspect", "--with", "k,14,A256KW", "--any-source", data=text), "inspect: alg")
require(b"refused, wrong use" in latchkey("esdata", "inspect", "--with", "k,15,A128KW", "--any-source", data=text), "inspect: SUID")

# Refused with exit status 1, and nothing on standard output.
text = latchkey("esdata", "seal", "--to", "k,14,A128KW,aes")
for words, data in (
    (("open", "--with", "k,14,A128KW,other"), text),  # another key
    (("open", "--with", "k,14,A256KW,aes"), text),  # another algorithm
    (("open", "--with", "k,14,A128KW,aes", "--enc", "A128GCM"), text),  # enc that is not accepted
    (("open", "--with", "k,14,A128KW,aes", "--verify", "s,45,ES256,signer.pub"), text),  # nothing signed inside
    (("open", "--with", "k,14,A128KW,aes"), text.replace(b"..", b".").swapcase()),  # changed
    (("open", "--with", "k,14,A128KW,aes"), b"x"),  # no envelope
    (("open", "--with", "k,14,A128KW"), text),  # no file
    (("open", "--with", "k,99,A128KW,aes"), text),  # no SUID
    (("open", "--with", "k,14,A128KW,aes", "--class", "signature-only"), text),
    (("verify", "--with", "m,15,HS256,mac"), text),  # nothing signed at all
    (("seal", "--to", "k,15,A128KW,aes"), PAYLOAD),  # a key for signatures
    (("seal", "--to", "k,14,dir,aes"), PAYLOAD),  # 16 octets for A256GCM
    (("seal", "--to", "k,14,dir,aes", "--to", "k,14,A128KW,aes", "--enc", "A128GCM"), PAYLOAD),
    (("seal", "--to", "k,14,A128KW,aes", "--sign", "m,15,HS256,mac"), PAYLOAD),  # a MIC inside
    (("seal", "--to", "k,14,RSA1_5,aes"), PAYLOAD),
    (("sign", "--with", "s,45,ES384,signer"), PAYLOAD),  # another curve
):
    require(latchkey("esdata", *words, data=data, status=1) == b"", " ".join(words) + " says something")
(folder / "aes").chmod(0o644)
latchkey("esdata", "seal", "--to", "k,14,A128KW,aes", status=1)
latchkey("esdata", "seal", status=2)

# ESPrim Objects.
require(b"U-org1" in latchkey("esprim", "inspect", data=ESPRIM.encode()), "esprim inspect")
seen = json.loads(latchkey("--json", "esprim", "inspect", data=ESPRIM.encode()))
require(seen == {"enc": "A256GCM", "kid": "K1@maf.example.com", "ori": "U-org1", "rri": "U-rcv1", "innerOctets": 8}, "esprim as JSON")
latchkey("esprim", "inspect", data=b"a..b.c.d", status=1)
for word in ("esdata", "esprim"):
    require(word.encode() in latchkey("man"), "man page of " + word)
print("esdata_cli: in order")
