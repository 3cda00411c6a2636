#!/usr/bin/env python3
"""XML Encryption 1.1 by python3-cryptography: what xmlsec1 of Debian 12 does not have, RSA-OAEP with SHA-256 and ECDH-ES with ConcatKDF.

usage: xmlenc_reference.py open KEY.pem            EncryptedData on standard input; the plaintext goes to standard output
       xmlenc_reference.py seal ENC ALG KID KEY.pem   the other way; ENC as in JOSE, ALG: RSA-OAEP-256 or ECDH-ES+A128KW, ...
"""
import base64, hashlib, os, sys
import xml.etree.ElementTree as ET

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DS, XENC = "http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/04/xmlenc#"
DS11, XENC11 = "http://www.w3.org/2009/xmldsig11#", "http://www.w3.org/2009/xmlenc11#"
CURVES = {"urn:oid:1.2.840.10045.3.1.7": ec.SECP256R1(), "urn:oid:1.3.132.0.34": ec.SECP384R1(), "urn:oid:1.3.132.0.35": ec.SECP521R1()}
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def concat_kdf(shared, info, octets):
    out, counter = b"", 1
    while len(out) < octets:
        out += hashlib.sha256(counter.to_bytes(4, "big") + shared + info).digest()
        counter += 1
    return out[:octets]


def one(element, path):
    found = element.findall("/".join("{%s}%s" % step for step in path))
    assert len(found) == 1, path
    return found[0]


def octets(element):
    return base64.b64decode(element.text)


def unwrap(encrypted_key, key):
    method = one(encrypted_key, [(XENC, "EncryptionMethod")])
    wrapped = octets(one(encrypted_key, [(XENC, "CipherData"), (XENC, "CipherValue")]))
    if method.get("Algorithm") == XENC11 + "rsa-oaep":
        assert one(method, [(DS, "DigestMethod")]).get("Algorithm") == XENC + "sha256"
        assert one(method, [(XENC11, "MGF")]).get("Algorithm") == XENC11 + "mgf1sha256"
        return key.decrypt(wrapped, OAEP)
    agreement = one(encrypted_key, [(DS, "KeyInfo"), (XENC, "AgreementMethod")])
    assert agreement.get("Algorithm") == XENC11 + "ECDH-ES"
    derivation = one(agreement, [(XENC11, "KeyDerivationMethod")])
    assert derivation.get("Algorithm") == XENC11 + "ConcatKDF"
    parameters = one(derivation, [(XENC11, "ConcatKDFParams")])
    assert one(parameters, [(DS, "DigestMethod")]).get("Algorithm") == XENC + "sha256"
    info = b"".join(bytes.fromhex(parameters.get(name) or "00")[1:] for name in ("AlgorithmID", "PartyUInfo", "PartyVInfo"))
    value = one(agreement, [(XENC, "OriginatorKeyInfo"), (DS, "KeyValue"), (DS11, "ECKeyValue")])
    curve = CURVES[one(value, [(DS11, "NamedCurve")]).get("URI")]
    peer = ec.EllipticCurvePublicKey.from_encoded_point(curve, octets(one(value, [(DS11, "PublicKey")])))
    size = int(method.get("Algorithm").removeprefix(XENC + "kw-aes")) // 8
    return keywrap.aes_key_unwrap(concat_kdf(key.exchange(ec.ECDH(), peer), info, size), wrapped)


def open_one(text, key):
    root = ET.fromstring(text)
    assert root.tag == "{%s}EncryptedData" % XENC
    content_key = unwrap(one(root, [(DS, "KeyInfo"), (XENC, "EncryptedKey")]), key)
    assert one(root, [(XENC, "EncryptionMethod")]).get("Algorithm") == XENC11 + f"aes{len(content_key) * 8}-gcm"
    sealed = octets(one(root, [(XENC, "CipherData"), (XENC, "CipherValue")]))
    return AESGCM(content_key).decrypt(sealed[:12], sealed[12:], None)


def wrap(content_key, alg, kid, key):
    name = f'<d:KeyName xmlns:d="{DS}">{kid}</d:KeyName>'
    if alg == "RSA-OAEP-256":
        method = (f'<e:EncryptionMethod Algorithm="{XENC11}rsa-oaep">\n<f:MGF xmlns:f="{XENC11}" Algorithm="{XENC11}mgf1sha256"/>\n'
                  f'<d:DigestMethod xmlns:d="{DS}" Algorithm="{XENC}sha256"/></e:EncryptionMethod>')
        return method, name, key.encrypt(content_key, OAEP)
    bits = alg.removeprefix("ECDH-ES+A").removesuffix("KW")
    ephemeral = ec.generate_private_key(key.curve)
    party = os.urandom(8)
    wrapping = concat_kdf(ephemeral.exchange(ec.ECDH(), key), party, int(bits) // 8)
    point = ephemeral.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    uri = next(uri for uri, curve in CURVES.items() if curve.name == key.curve.name)
    agreement = (f'<e:AgreementMethod Algorithm="{XENC11}ECDH-ES"><f:KeyDerivationMethod xmlns:f="{XENC11}" Algorithm="{XENC11}ConcatKDF">'
                 f'<f:ConcatKDFParams AlgorithmID="" PartyUInfo="00{party.hex()}" PartyVInfo=""><d:DigestMethod xmlns:d="{DS}" Algorithm="{XENC}sha256"/>'
                 f'</f:ConcatKDFParams></f:KeyDerivationMethod><e:OriginatorKeyInfo><d:KeyValue xmlns:d="{DS}"><g:ECKeyValue xmlns:g="{DS11}">'
                 f'<g:NamedCurve URI="{uri}"/><g:PublicKey>{base64.encodebytes(point).decode()}</g:PublicKey></g:ECKeyValue></d:KeyValue>'
                 f'</e:OriginatorKeyInfo><e:RecipientKeyInfo>{name}</e:RecipientKeyInfo></e:AgreementMethod>')
    return f'<e:EncryptionMethod Algorithm="{XENC}kw-aes{bits}"/>', agreement, keywrap.aes_key_wrap(wrapping, content_key)


def seal_one(payload, enc, alg, kid, key):
    bits = enc.removeprefix("A").removesuffix("GCM")
    content_key, iv = os.urandom(int(bits) // 8), os.urandom(12)
    method, info, wrapped = wrap(content_key, alg, kid, key)
    data = "<e:CipherData><e:CipherValue>%s</e:CipherValue></e:CipherData>"
    sealed = data % base64.encodebytes(iv + AESGCM(content_key).encrypt(iv, payload, None)).decode()
    return (f'<?xml version="1.0"?>\n<e:EncryptedData xmlns:e="{XENC}"><e:EncryptionMethod Algorithm="{XENC11}aes{bits}-gcm"/>\n'
            f'<d:KeyInfo xmlns:d="{DS}"><e:EncryptedKey>{method}<d:KeyInfo>{info}</d:KeyInfo>{data % base64.b64encode(wrapped).decode()}'
            f"</e:EncryptedKey></d:KeyInfo>{sealed}</e:EncryptedData>\n")


with open(sys.argv[-1], "rb") as file:
    pair = serialization.load_pem_private_key(file.read(), None)
if sys.argv[1] == "open":
    sys.stdout.buffer.write(open_one(sys.stdin.buffer.read(), pair))
else:
    print(seal_one(sys.stdin.buffer.read(), *sys.argv[2:5], pair.public_key()), end="")
