#!/usr/bin/env python3
"""ESData envelopes by python3-jwcrypto. A key is a file: PEM, or hexadecimal for a symmetric one. Standard input to standard output.

usage: jwcrypto_esdata.py seal ENC FORM ALG KID KEY [ALG KID KEY]...
       jwcrypto_esdata.py open KEY
       jwcrypto_esdata.py sign FORM ALG KID KEY [ALG KID KEY]...
       jwcrypto_esdata.py verify KEY
FORM: compact or json
"""
import base64, json, sys
from jwcrypto import jwe, jwk, jws


def key_of(path):
    with open(path, "rb") as file:
        text = file.read()
    if text.startswith(b"-----"):
        return jwk.JWK.from_pem(text)
    return jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(bytes.fromhex(text.decode())).rstrip(b"=").decode())


def triples(words):
    return [(words[i], words[i + 1], key_of(words[i + 2])) for i in range(0, len(words), 3)]


verb, data = sys.argv[1], sys.stdin.buffer.read()
if verb == "seal":
    enc, form, keys = sys.argv[2], sys.argv[3], triples(sys.argv[4:])
    if form == "compact" or len(keys) == 1:
        token = jwe.JWE(data, json.dumps({"alg": keys[0][0], "enc": enc, "kid": keys[0][1]}))
        token.add_recipient(keys[0][2])
    else:
        token = jwe.JWE(data, json.dumps({"enc": enc}))
        for alg, kid, key in keys:
            token.add_recipient(key, json.dumps({"alg": alg, "kid": kid}))
    sys.stdout.write(token.serialize(compact=form == "compact"))
elif verb == "open":
    token = jwe.JWE()
    token.deserialize(data.decode(), key_of(sys.argv[2]))
    sys.stdout.buffer.write(token.payload)
elif verb == "sign":
    form, token = sys.argv[2], jws.JWS(data)
    for alg, kid, key in triples(sys.argv[3:]):
        token.add_signature(key, None, json.dumps({"alg": alg, "kid": kid}))
    sys.stdout.write(token.serialize(compact=form == "compact"))
else:
    token = jws.JWS()
    token.deserialize(data.decode())
    token.verify(key_of(sys.argv[2]))
    sys.stdout.buffer.write(token.payload)
