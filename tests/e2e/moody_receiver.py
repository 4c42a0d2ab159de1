#!/usr/bin/env python3
"""A syslog receiver with habits, in a process of its own: writes each whole message (a line) to a file as soon as it has it.

  moody_receiver.py --port N --out FILE [--host ::1] [--udp | --tls KEY CERTIFICATE] [--bytes N] [--messages N] [--seconds S]
                    [--no-read] [--pause-us N]

Each connection is closed after so many bytes, messages or seconds, whatever lies unread in it; --no-read never reads. --pause-us
sleeps after every message. A datagram socket keeps the buffer that the system gives it.
"""
import argparse
import contextlib
import os
import select
import socket
import ssl
import sys
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--udp", action="store_true")
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--bytes", type=int, default=0)
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--no-read", action="store_true")
    parser.add_argument("--pause-us", type=int, default=0)
    return parser.parse_args()


def datagrams(habits, out):
    # A receiver that gets no turn on a busy machine loses datagrams at any pace; that is not what is looked at here.
    with contextlib.suppress(OSError):
        os.nice(-15)
    receiver = socket.socket(socket.AF_INET6 if ":" in habits.host else socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((habits.host, habits.port))
    while True:
        out.write(receiver.recv(65536) + b"\n")
        out.flush()
        time.sleep(habits.pause_us / 1e6)


def serve(connection, habits, out):
    begin, size, messages, rest = time.monotonic(), 0, 0, b""
    while not (habits.bytes and size >= habits.bytes) and not (habits.messages and messages >= habits.messages):
        left = habits.seconds - (time.monotonic() - begin) if habits.seconds else 3600
        if left <= 0:
            return
        pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        if not pending and not select.select([] if habits.no_read else [connection], [], [], left)[0]:
            continue
        got = connection.recv(min(65536, habits.bytes - size) if habits.bytes else 65536)
        if not got:
            return
        size += len(got)
        *lines, rest = (rest + got).split(b"\n")
        for line in lines:
            out.write(line + b"\n")
            if habits.pause_us:
                time.sleep(habits.pause_us / 1e6)
        out.flush()
        messages += len(lines)


def streams(habits, out):
    listener = socket.socket(socket.AF_INET6 if ":" in habits.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((habits.host, habits.port))
    listener.listen(64)
    context = None
    if habits.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(habits.tls[1], habits.tls[0])
    while True:
        connection, _ = listener.accept()
        try:
            if context:
                connection = context.wrap_socket(connection, server_side=True)
            serve(connection, habits, out)
        except OSError as error:
            print(f"connection: {error}", file=sys.stderr, flush=True)
        connection.close()


def main():
    habits = arguments()
    with open(habits.out, "ab") as out:
        datagrams(habits, out) if habits.udp else streams(habits, out)


main()
