#!/usr/bin/env python3
"""A second implementation of ESPrim Objects: python3-jwcrypto for the JWE, hmac of Python for the session key.

usage: jwcrypto_peer.py open PAIRWISE_KEY_HEX RECEIVER_OBJECT < object   writes the plaintext
       jwcrypto_peer.py seal PAIRWISE_KEY_HEX RECEIVER_OBJECT ORIGINATOR_OBJECT KID ENC < plaintext   writes the object
"""
import base64, hashlib, hmac, json, sys
from jwcrypto import jwe, jwk

LABEL = b"oneM2M HMAC-SHA256 sessionESPrimKey derivation algorithm"
SIZES = {"A128GCM": 16, "A192GCM": 24, "A256GCM": 32}


def session_key(pairwise, receiver, originator, enc):
    key = hmac.new(bytes.fromhex(pairwise), receiver.encode() + originator.encode() + LABEL, hashlib.sha256).digest()[: SIZES[enc]]
    return jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(key).rstrip(b"=").decode())


def text_of(value):
    """As it stands in the header: members in their order, no white space."""
    return json.dumps(value, separators=(",", ":"))


verb, pairwise, receiver = sys.argv[1:4]
if verb == "open":
    text = sys.stdin.read()
    header = json.loads(base64.urlsafe_b64decode(text.split(".")[0] + "=="))
    assert header["alg"] == "dir" and header["ori"] == header["oro"]["esri"] and header["rri"] == json.loads(receiver)["esri"]
    token = jwe.JWE()
    token.deserialize(text, session_key(pairwise, receiver, text_of(header["oro"]), header["enc"]))
    sys.stdout.buffer.write(token.payload)
else:
    originator, kid, enc = sys.argv[4:7]
    header = {"alg": "dir", "enc": enc, "kid": kid, "cty": "application/vnd.onem2m-preq+json", "ori": json.loads(originator)["esri"],
              "rri": json.loads(receiver)["esri"], "oro": json.loads(originator)}
    token = jwe.JWE(sys.stdin.buffer.read(), text_of(header))
    token.add_recipient(session_key(pairwise, receiver, originator, enc))
    sys.stdout.write(token.serialize(compact=True))
