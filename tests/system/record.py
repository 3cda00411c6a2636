#!/usr/bin/env python3
"""record.py FILE LISTEN TARGET: a relay on loopback that writes down what passes.

Listens on port LISTEN of 127.0.0.1, connects each client to port TARGET, hands the octets on as they are and writes
them to FILE as a capture (pcap, raw IP) that Wireshark reads. The frames around the octets are made up: no network
interface is read, so no privilege is needed. Clients keep their port number in the capture, servers TARGET.
"""
import asyncio
import struct
import sys
import time

SYN, ACK, PUSH, FIN = 2, 16, 8, 1
LOOPBACK = bytes([127, 0, 0, 1])


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(source, target, sequence, acknowledged, flags, payload=b""):
    """An IPv4 packet with one TCP segment."""
    tcp = struct.pack(">HHIIBBHHH", source, target, sequence, acknowledged, 5 << 4, flags, 0xFFFF, 0, 0) + payload
    pseudo = LOOPBACK + LOOPBACK + struct.pack(">HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", ones_sum(pseudo + tcp)) + tcp[18:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + LOOPBACK + LOOPBACK
    return head[:10] + struct.pack(">H", ones_sum(head)) + head[12:] + tcp


class Capture:
    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))  # LINKTYPE_RAW

    def write(self, packet):
        now = time.time_ns() // 1000
        self.file.write(struct.pack("<IIII", now // 1_000_000, now % 1_000_000, len(packet), len(packet)) + packet)
        self.file.flush()


class Connection:
    """Sequence numbers of both ends."""

    def __init__(self, capture, client_port, server_port):
        self.capture, self.ports = capture, (client_port, server_port)
        self.next = [1, 1]
        capture.write(frame(*self.ports, 0, 0, SYN))
        capture.write(frame(*self.ports[::-1], 0, 1, SYN | ACK))
        capture.write(frame(*self.ports, 1, 1, ACK))

    def segment(self, side, flags, payload=b""):
        source, target = self.ports if side == 0 else self.ports[::-1]
        self.capture.write(frame(source, target, self.next[side], self.next[1 - side], flags, payload))
        self.next[side] = (self.next[side] + len(payload) + (flags & FIN)) & 0xFFFFFFFF


async def pump(connection, side, reader, writer):
    try:
        while data := await reader.read(16384):
            connection.segment(side, PUSH | ACK, data)  # before it is sent: the capture is never behind the peer
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()
    connection.segment(side, FIN | ACK)


async def main(path, listen, target):
    capture = Capture(path)

    async def serve(reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()  # the daemon is down: to the client it looks as without a relay
            return
        connection = Connection(capture, writer.get_extra_info("peername")[1], target)
        await asyncio.gather(pump(connection, 0, reader, up_writer), pump(connection, 1, up_reader, writer))
        writer.close()
        up_writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", listen)
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
