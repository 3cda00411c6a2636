#!/usr/bin/env python3
"""ECDSA by the formulas of the books, for curves of which no outside vectors are at hand.

usage: ecdsa_reference.py > ecdsa_curves.vec     name, curve, d, x, y, message, r and s
The scalars and nonces are fixed numbers: the lines are the same every time.
"""
import hashlib

CURVES = {  # p, a, b, x and y of the generator, its order
    "FRP256v1": ("F1FD178C0B3AD58F10126DE8CE42435B3961ADBCABC8CA6DE8FCF353D86E9C03", "F1FD178C0B3AD58F10126DE8CE42435B3961ADBCABC8CA6DE8FCF353D86E9C00",
                 "EE353FCA5428A9300D4ABA754A44C00FDFEC0C9AE4B1A1803075ED967B7BB73F", "B6B3D4C356C139EB31183D4749D423958C27D2DCAF98B70164C97A2DD98F5CFF",
                 "6142E0F7C8B204911F9271F0F3ECEF8C2701C307E8E4C9E183115A1554062CFB", "F1FD178C0B3AD58F10126DE8CE42435B53DC67E140D2BF941FFDD459C6D655E1"),
    "brainpoolP256r1": ("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377", "7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9",
                        "26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6", "8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262",
                        "547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997", "A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7"),
}


class Curve:
    def __init__(self, numbers):
        self.p, self.a, self.b, x, y, self.n = (int(number, 16) for number in numbers)
        self.g = (x, y)
        assert self.on(self.g) and self.times(self.n, self.g) is None

    def on(self, point):
        x, y = point
        return (y * y - x ** 3 - self.a * x - self.b) % self.p == 0

    def add(self, left, right):
        if left is None or right is None:
            return left or right
        if left[0] == right[0] and (left[1] + right[1]) % self.p == 0:
            return None
        if left == right:
            slope = (3 * left[0] ** 2 + self.a) * pow(2 * left[1], -1, self.p)
        else:
            slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, self.p)
        x = (slope * slope - left[0] - right[0]) % self.p
        return x, (slope * (left[0] - x) - left[1]) % self.p

    def times(self, factor, point):
        out = None
        while factor:
            if factor & 1:
                out = self.add(out, point)
            point, factor = self.add(point, point), factor >> 1
        return out

    def sign(self, d, k, message):
        e = int.from_bytes(hashlib.sha256(message).digest(), "big")
        r = self.times(k, self.g)[0] % self.n
        return r, pow(k, -1, self.n) * (e + r * d) % self.n


def number(*words):
    return int.from_bytes(hashlib.sha256(" ".join(map(str, words)).encode()).digest(), "big")


for name, numbers in CURVES.items():
    curve = Curve(numbers)
    for i in range(6):
        d, k = number(name, "d", i) % curve.n, number(name, "k", i) % curve.n
        message = b"m" * (37 * i)
        x, y = curve.times(d, curve.g)
        r, s = curve.sign(d, k, message)
        print(f"{name} {i}", name, *(f"{value:064X}" for value in (d, x, y)), message.hex().upper(), f"{r:064X}{s:064X}", sep="\t")
