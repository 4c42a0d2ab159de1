#!/usr/bin/env python3
"""Checks a report of Capstan, and the proof of one event, without any code of Capstan.

    check-proof.py REPORT.json [--key PUBLIC.pem] [--proof PROOF.json [--event RECORD]]

Needs Python 3 and its standard library; the signature is checked with the program openssl (1.1.1 or newer).
Prints one line for each thing that was checked. Exit code 0: everything fits; 1: something does not.

What is checked (docs/formats/report.md is the specification):
  report   its form is the one and only form of its content, so a signature of the text is one of the content;
           the Ed25519 signature; the hash chain over the segments of the journal
  proof    SHA-256 of the frame -> Merkle path (RFC 6962) -> the root that the report names;
           the record in the frame is the event: id, feed, SHA-256, and the very bytes of RECORD
"""
import argparse
import base64
import hashlib
import json
import struct
import subprocess
import sys
import tempfile

FRAME_HEAD = 40  # bytes in front of a frame's records


class Wrong(Exception):
    pass


def must(is_so, otherwise):
    if not is_so:
        raise Wrong(otherwise)


def sha256(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    """RFC 8785, for content whose numbers are all whole."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_canonical(path, what):
    with open(path, "rb") as file:
        data = file.read()
    try:
        value = json.loads(data)
        is_canonical = canonical(value) + b"\n" == data
    except (ValueError, UnicodeError):
        is_canonical = False
    must(is_canonical, f"{path} is not {what} as Capstan writes it: it was changed")
    return value


def check_signature(envelope, key):
    signature = envelope.get("signature")
    must(signature, "the report has no signature")
    must(signature["algorithm"] == "Ed25519", "the signature is not Ed25519")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", key, "-outform", "DER"], capture_output=True)
    must(der.returncode == 0, f"{key} is not a public key in PEM: {der.stderr.decode().strip()}")
    must(hashlib.sha256(der.stdout).hexdigest() == signature["key"], "the report was signed with another key")
    with tempfile.NamedTemporaryFile() as message, tempfile.NamedTemporaryFile() as value:
        message.write(canonical(envelope["report"]))
        value.write(base64.b64decode(signature["value"], validate=True))
        message.flush()
        value.flush()
        verified = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", message.name,
             "-sigfile", value.name], capture_output=True)
    must(verified.returncode == 0, "the signature is not of this report")


def check_chain(source):
    end, chain = 0, None
    for segment in source["segments"]:
        base = segment["base"]
        place = f"segment {base} of {source['source']}"
        previous, root = bytes.fromhex(segment["previous"]), bytes.fromhex(segment["root"])
        must(base >= end, f"{place} overlaps the segment before")
        must(base != end or chain is None or previous == chain, f"{place} does not follow the segment before")
        must(base != 0 or previous == bytes(32), f"{place} is the first and has a previous chain")
        end, chain = segment["end"], None
        if not segment["is_open"]:
            chain = sha256(previous + root + struct.pack("<QQ", base, end))
            must(chain.hex() == segment["chain"], f"the chain of {place} is not that of its root")


def root_of_path(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    must(isinstance(index, int) and isinstance(size, int), "the frame's index is no whole number")
    must(0 <= index < size, "the frame's index is outside the tree")
    node, last = sha256(b"\x00" + leaf), size - 1
    for beside in path:
        must(last > 0, "the path is too long")
        if index & 1 or index == last:
            node = sha256(b"\x01" + beside + node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + beside)
        index, last = index >> 1, last >> 1
    must(last == 0, "the path is too short")
    return node


def record_in(frame, wanted):
    """feed, id and raw bytes of record number `wanted`: the form of src/event/include/event/batch.h."""
    at, number = FRAME_HEAD, 0
    while at < len(frame):
        size, _, _, feed_size, _, id_size, _, _, _, _ = struct.unpack_from("<IBBBBHHqqQ", frame, at)
        if number == wanted:
            feed_at = at + 36
            id_at = feed_at + feed_size
            raw_at = id_at + id_size
            return frame[feed_at:id_at], frame[id_at:raw_at], frame[raw_at:at + 4 + size]
        at, number = at + 4 + size, number + 1
    raise Wrong("the frame has no record of that number")


def check_proof(proof, report, event):
    must(proof["capstan_proof"] == 1, "the proof is of another version")
    claimed = proof["segment"]
    frame = base64.b64decode(proof["frame"]["bytes"], validate=True)
    must(base64.b64encode(frame).decode() == proof["frame"]["bytes"], "the frame is not in canonical base64")
    root = root_of_path(sha256(frame), proof["frame"]["index"], claimed["frames"],
                        [bytes.fromhex(one) for one in proof["path"]])
    must(root.hex() == claimed["root"], "the path does not lead from the frame to the root")
    known = [segment for source in report["sources"] if source["source"] == proof["source"]
             for segment in source["segments"] if segment["base"] == claimed["base"]]
    must(len(known) == 1, "the report does not name the segment")
    for name in ("base", "end", "frames", "is_open", "root", "previous", "chain"):
        must(known[0][name] == claimed[name], f"\"{name}\" of the segment is not that of the report")
    must(isinstance(proof["record"]["index"], int), "the record's index is no whole number")
    feed, id_, raw = record_in(frame, proof["record"]["index"])
    must(feed.decode() == proof["feed"] and id_.decode() == proof["id"], "the record in the frame is another one")
    must(sha256(raw).hex() == proof["record"]["sha256"], "the record does not have its SHA-256")
    if event is not None:
        must(raw == event, "the event is not the record in the frame")


def main():
    arguments = argparse.ArgumentParser(description="checks a report of Capstan and the proof of one event")
    arguments.add_argument("report")
    arguments.add_argument("--key", help="the public key that has to have signed the report")
    arguments.add_argument("--proof", help="the proof of one event")
    arguments.add_argument("--event", help="a file with the record as the service sent it")
    given = arguments.parse_args()
    try:
        envelope = read_canonical(given.report, "a report")
        report = envelope["report"]
        must(set(envelope) <= {"report", "signature"}, "something stands beside the report that nobody signed")
        print(f"fits: the form of the report of {report['day']}, {report['zone']}")
        if given.key:
            check_signature(envelope, given.key)
            print(f"fits: the signature, of the key {envelope['signature']['key']}")
        else:
            print("not checked: the signature, because no --key was given")
        for source in report["sources"]:
            check_chain(source)
            print(f"fits: the hash chain of {source['source']}")
        if given.proof:
            event = open(given.event, "rb").read() if given.event else None
            proof = read_canonical(given.proof, "a proof")
            check_proof(proof, report, event)
            print(f"fits: the event {proof['id']} of {proof['feed']} was journaled in {proof['source']}")
    except (Wrong, KeyError, TypeError, ValueError, IndexError, struct.error, OSError) as error:
        said = str(error) if isinstance(error, (Wrong, OSError)) else f"a part is missing or of another kind ({error})"
        print(f"does not fit: {said}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
