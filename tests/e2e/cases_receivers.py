"""Receivers that misbehave: they close, hang, lose datagrams, move to another address."""
import collections
import json
import pathlib
import re
import socket
import subprocess
import sys
import time

from harness import Skip, expect, free_port, stop, wait_until
from receivers import make_certificate

MOODY = pathlib.Path(__file__).with_name("moody_receiver.py")
EXTERNAL_ID = re.compile(rb"externalId=(\S+)")
ROUTE = "  all: {from: mdca, encode: {format: cef}, to: siem}\n"


class Moody:
    """moody_receiver.py on one port; `habits` are its options."""

    def __init__(self, place, *habits, port=None, host="127.0.0.1", name="siem"):
        self.place, self.host, self.name = place, host, name
        self.is_udp = "--udp" in habits
        self.port = port or free_port(socket.SOCK_DGRAM if self.is_udp else socket.SOCK_STREAM)
        self.file = place.directory / f"{name}.received"
        self.file.touch()
        self.process = None
        self.start(*habits)

    def start(self, *habits):
        self.process = self.place.start([sys.executable, MOODY, "--host", self.host, "--port", self.port, "--out", self.file, *habits],
                                        f"{self.name}.log")
        # Python needs a while to start; a connection before that is only refused.
        wait_until(f"{self.name} to listen", self.listens, 15)

    def listens(self):
        tables = ("/proc/net/udp", "/proc/net/udp6") if self.is_udp else ("/proc/net/tcp", "/proc/net/tcp6")
        return any(f":{self.port:04X} 0" in pathlib.Path(table).read_text() for table in tables)

    def ids(self):
        return [match.group(1).decode() for match in EXTERNAL_ID.finditer(self.file.read_bytes())]


def status(place):
    return json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json").stdout)["routes"][0]


def run_until_all_arrived(place, tenant, receiver, seconds):
    """Runs until every activity has arrived, stops, and gives the ids and the route's status."""
    wanted = {line["id"] for line in tenant.truth("activities")}
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wait_until(f"{len(wanted)} events to arrive", lambda: wanted <= set(receiver.ids()), seconds, step=0.3)
    route = wait_until("the route to be idle", lambda: (s := status(place))["backlog_records"] == 0 and s, 30, step=0.3)
    stop(capstan)
    return receiver.ids(), route


def doubles(ids):
    return sum(count - 1 for count in collections.Counter(ids).values())


def udp_first_contact_loses_nothing(place):
    """The receiver has the socket buffer that Linux gives it and takes 200 µs for each message."""
    tenant = place.simulate("--seed", 41, "--activities", 5000, "--requests-per-minute", 100000)
    receiver = Moody(place, "--udp", "--pause-us", 200)
    place.configuration(tenant, f"  siem: {{type: syslog, address: '127.0.0.1:{receiver.port}', transport: udp}}\n", ROUTE, feeds=["activities"])
    ids, route = run_until_all_arrived(place, tenant, receiver, 90)
    expect(doubles(ids) == 0, f"{doubles(ids)} doubles")
    expect(route["proof"] == "not_provable", f"status calls it {route['proof']}")
    text = place.run("status", "-c", "capstan.yaml").stdout
    expect("sent, not provable" in text, f"status does not say that it is not provable:\n{text}")
    text = place.run("verify", "-c", "capstan.yaml").stdout
    expect("sent, not provable" in text and "sent to all" in text, f"verify does not say that it is not provable:\n{text}")
    return f"{len(ids)} datagrams"


def a_receiver_that_closes_every_1_mb_makes_progress(place):
    tenant = place.simulate("--seed", 42, "--activities", 15000, "--requests-per-minute", 100000)
    receiver = Moody(place, "--bytes", 1_000_000)
    place.configuration(tenant, f"  siem: {{type: syslog, address: '127.0.0.1:{receiver.port}', transport: tcp}}\n", ROUTE, feeds=["activities"])
    ids, route = run_until_all_arrived(place, tenant, receiver, 90)
    expect(doubles(ids) <= route["resent"], f"{doubles(ids)} doubles, {route['resent']} counted as resent")
    size = receiver.file.stat().st_size
    expect(size > 3_000_000, f"only {size} bytes; the case proves nothing")
    return f"{size / 1e6:.0f} MB, {doubles(ids)} doubles, {route['resent']} counted as resent"


def a_receiver_that_closes_every_few_messages_makes_progress(place):
    """Over TLS, without a window."""
    tenant = place.simulate("--seed", 43, "--activities", 600, "--requests-per-minute", 100000)
    key, certificate = make_certificate(place.directory)
    receiver = Moody(place, "--messages", 5, "--tls", key, certificate)
    place.configuration(tenant, f"  siem: {{type: syslog, address: '127.0.0.1:{receiver.port}', transport: tls, framing: lf, "
                                f"resend_window: 0B, tls: {{ca_file: '{certificate}'}}}}\n", ROUTE, feeds=["activities"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wanted = {line["id"] for line in tenant.truth("activities")}
    wait_until("everything to be delivered", lambda: (s := status(place))["delivered"] >= len(wanted), 90, step=0.5)
    route = status(place)
    stop(capstan)
    ids = receiver.ids()
    # Without a window the receiver may throw away what a first connection had brought into its socket.
    expect(len(set(ids)) >= len(wanted) / 2, f"{len(set(ids))} of {len(wanted)} arrived")
    expect(doubles(ids) <= route["resent"], f"{doubles(ids)} doubles, {route['resent']} counted as resent")
    return f"{len(set(ids))} of {len(wanted)} arrived, {doubles(ids)} doubles, {route['resent']} counted as resent"


def a_receiver_that_never_reads_loses_nothing(place):
    """It accepts, reads nothing, closes every second; then a better one takes its port."""
    tenant = place.simulate("--seed", 44, "--activities", 5000, "--requests-per-minute", 100000)
    receiver = Moody(place, "--no-read", "--seconds", 1)
    place.configuration(tenant, f"  siem: {{type: syslog, address: '127.0.0.1:{receiver.port}', transport: tcp}}\n", ROUTE, feeds=["activities"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wait_until("the route to have trouble", lambda: status(place)["state"] == "retrying", 30, step=0.3)
    time.sleep(5)
    expect(status(place)["delivered"] < 5000, "everything counts as delivered though nobody has read a byte")
    stop(receiver.process)
    receiver.start()
    wanted = {line["id"] for line in tenant.truth("activities")}
    wait_until("everything to arrive", lambda: wanted <= set(receiver.ids()), 90, step=0.3)
    wait_until("everything to be delivered", lambda: status(place)["backlog_records"] == 0, 30, step=0.3)
    stop(capstan)
    route = status(place)
    expect(doubles(receiver.ids()) <= route["resent"], f"{doubles(receiver.ids())} doubles, {route['resent']} counted as resent")
    return f"{len(wanted)} arrived, {doubles(receiver.ids())} doubles"


def a_receiver_that_moves_is_followed(place):
    """Its name stands for another address from now on; the old one stays reachable and silent. Over UDP and over TCP."""
    hosts = place.write("hosts", "127.0.0.1 localhost\n127.0.0.2 siem.corp\n")
    enter = ["unshare", "-m", "sh", "-c", f"mount --bind '{hosts}' /etc/hosts && exec \"$0\" \"$@\""]
    if subprocess.run([*enter, "true"], capture_output=True).returncode != 0:
        raise Skip("no mount namespace may be made here")
    tenant = place.simulate("--seed", 45, "--activities", 50, "--rate", 20, "--requests-per-minute", 100000)
    remarks = []
    for transport, habits in (("udp", ("--udp",)), ("tcp", ())):
        old = Moody(place, *habits, host="127.0.0.2", name=f"old-{transport}")
        new = Moody(place, *habits, host="127.0.0.3", port=old.port, name=f"new-{transport}")
        hosts.write_text("127.0.0.1 localhost\n127.0.0.2 siem.corp\n")
        place.configuration(tenant, f"  siem: {{type: syslog, address: 'siem.corp:{old.port}', transport: {transport}, resolve_every: 2s}}\n",
                            ROUTE, feeds=["activities"])
        capstan = place.start([*enter, place.capstan, "run", "-c", "capstan.yaml"], f"capstan-{transport}.log")
        wait_until("the old address to get events", old.ids, 30)
        hosts.write_text("127.0.0.1 localhost\n127.0.0.3 siem.corp\n")
        wait_until("the new address to get events", new.ids, 30)
        both = old.ids() + new.ids()
        stop(capstan)
        expect(doubles(both) == 0, f"{transport}: {doubles(both)} doubles")
        remarks.append(f"{transport}: {len(old.ids())} then {len(new.ids())}")
    return ", ".join(remarks)


def a_receiver_over_ipv6(place):
    try:
        port = free_port()
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", port))
    except OSError as error:
        raise Skip(f"no IPv6 here: {error}") from error
    tenant = place.simulate("--seed", 46, "--activities", 500, "--requests-per-minute", 100000)
    receiver = Moody(place, host="::1", port=port)
    place.configuration(tenant, f"  siem: {{type: syslog, address: '[::1]:{receiver.port}', transport: tcp}}\n", ROUTE, feeds=["activities"])
    ids, _ = run_until_all_arrived(place, tenant, receiver, 60)
    expect(doubles(ids) == 0, f"{doubles(ids)} doubles")
    return f"{len(ids)} events"


CASES = [udp_first_contact_loses_nothing, a_receiver_that_closes_every_1_mb_makes_progress,
         a_receiver_that_closes_every_few_messages_makes_progress, a_receiver_that_never_reads_loses_nothing,
         a_receiver_that_moves_is_followed, a_receiver_over_ipv6]
