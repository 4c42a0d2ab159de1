"""Every event is in one counter: with the destination down, with processes killed, with the journal damaged, stopped or not."""
import collections
import json
import os
import re
import signal
import socket
import threading
import time

from harness import expect, fetch, free_port, stop, wait_until


class LineReceiver:
    """Takes lines over TCP, keeps what it got; can be taken away and brought back on the same port."""

    def __init__(self):
        self.port, self.lines, self.listener, self.connections, self.lock = free_port(), [], None, [], threading.Lock()

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection):
        rest = b""
        while True:
            try:
                got = connection.recv(65536)
            except OSError:
                got = b""
            if not got:
                return
            *whole, rest = (rest + got).split(b"\n")
            with self.lock:
                self.lines += whole

    def close(self):
        # shutdown wakes the thread that accepts: otherwise the port stays taken.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for connection in self.connections:
                connection.close()
            self.connections = []

    def ids(self):
        with self.lock:
            found = [re.search(rb"externalId=(\S+)", line) for line in self.lines]
        return [hit.group(1) for hit in found if hit]


def figures(place):
    return json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json").stdout)


def journal_lines(place):
    return len(place.run("journal", "cat", "-c", "capstan.yaml", check=0).stdout.splitlines())


def expect_conserved(status, when):
    records = {source["name"]: source["journal"]["records"] for source in status["sources"]}
    for route in status["routes"]:
        for at in route["cursors"]:
            total = sum(at[name] for name in ("began_at", "delivered", "dropped", "rejected", "lost_to_retention", "lost_to_damage",
                                              "backlog_records")) - at["repeated"]
            expect(total == records[at["source"]], f"{when}: {records[at['source']]} journaled, {total} counted: {at}")


def backlog_is_exact(place):
    """A route that stops in the middle of a frame: running status, stopped status, metrics and journal say one number."""
    tenant = place.simulate("--activities", 400, "--history", "1d")
    receiver, port = LineReceiver(), free_port()
    receiver.open()
    place.configuration(tenant, f"  siem: {{type: syslog, transport: tcp, address: '127.0.0.1:{receiver.port}'}}\n",
                        "  slow: {from: mdca, encode: {format: cef}, to: siem, batch: {max_events: 7}}\n", feeds=["activities"],
                        top=f"api: {{listen: '127.0.0.1:{port}'}}")
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wait_until("something to arrive", lambda: len(receiver.ids()) > 20, 20, step=0.001)
    receiver.close()
    wait_until("everything to be journaled", lambda: figures(place)["sources"][0]["journal"]["records"] >= 400, 30)
    running = figures(place)
    expect_conserved(running, "running")
    route, journaled = running["routes"][0], journal_lines(place)
    waits = route["backlog_records"]
    expect(waits == journaled - route["delivered"], f"running: {waits} wait of {journaled}, {route['delivered']} delivered")
    _, metrics = fetch(f"http://127.0.0.1:{port}/metrics")
    told = re.search(r"^capstan_backlog_records\{.*\} (\S+)$", metrics, re.M)
    expect(told and float(told.group(1)) == waits, f"/metrics says {told and told.group(1)}, status {waits}")
    expect(0 < waits < journaled, f"the route did not stop in the middle: {waits} of {journaled} wait")
    stop(capstan)
    stopped = figures(place)
    expect_conserved(stopped, "stopped")
    expect(stopped["routes"][0]["backlog_records"] == waits, f"stopped: {stopped['routes'][0]['backlog_records']}, running: {waits}")
    return f"{waits} of {journaled} wait, said four times"


def doubles_are_counted(place):
    """SIGKILL again and again, the receiver away now and then: resent is never below the doubles, and little above."""
    tenant = place.simulate("--activities", 6000, "--history", "1d", "--requests-per-minute", 100000)
    receiver = LineReceiver()
    receiver.open()
    place.configuration(tenant, f"  siem: {{type: syslog, transport: tcp, address: '127.0.0.1:{receiver.port}'}}\n",
                        "  road: {from: mdca, encode: {format: cef}, to: siem, batch: {max_events: 50}}\n", feeds=["activities"])
    kills = 8
    for number in range(kills):
        capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
        time.sleep(0.5 + 0.13 * number)
        if number % 3 == 1:
            receiver.close()
            time.sleep(0.3)
            receiver.open()
            time.sleep(0.8)
        stop(capstan, signal.SIGKILL)
        expect_conserved(figures(place), f"after kill {number}")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", timeout=120, check=0)
    status = figures(place)
    expect_conserved(status, "at the end")
    route, wanted = status["routes"][0], {line["id"].encode() for line in tenant.truth("activities")}
    wait_until("everything to arrive", lambda: wanted <= set(receiver.ids()), 20)
    time.sleep(0.5)
    times = collections.Counter(receiver.ids())
    doubles = sum(times.values()) - len(times)
    expect(route["delivered"] == len(wanted), f"{route['delivered']} count as delivered, {len(wanted)} are there")
    expect(doubles > 0, "no message came twice; the case shows nothing")
    expect(doubles <= route["resent"], f"{doubles} doubles, {route['resent']} counted as resent")
    return f"{kills} SIGKILLs: {doubles} doubles, {route['resent']} counted as resent"


def replay_is_resent(place):
    tenant = place.simulate("--activities", 300, "--history", "1d")
    receiver = LineReceiver()
    receiver.open()
    place.configuration(tenant, f"  siem: {{type: syslog, transport: tcp, address: '127.0.0.1:{receiver.port}'}}\n",
                        "  road: {from: mdca, encode: {format: cef}, to: siem}\n", feeds=["activities"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wait_until("everything to arrive", lambda: len(receiver.ids()) >= 300, 30)
    place.run("replay", "road", "--since", "1h", "-c", "capstan.yaml", check=0)
    wait_until("the replay to arrive", lambda: len(receiver.ids()) >= 600, 30)
    wait_until("the route to be idle", lambda: figures(place)["routes"][0]["state"] == "idle", 10)
    status = figures(place)
    expect_conserved(status, "after the replay")
    route, got = status["routes"][0], receiver.ids()
    expect(route["delivered"] == len(set(got)), f"{route['delivered']} delivered, {len(set(got))} events arrived")
    expect(route["resent"] == len(got) - len(set(got)), f"{route['resent']} resent, {len(got) - len(set(got))} doubles")
    stop(capstan)
    return f"{route['delivered']} delivered, {route['resent']} resent"


def damage_is_no_backlog(place):
    """The newest segment is emptied, the oldest one's head destroyed, while nothing runs."""
    tenant = place.simulate("--activities", 3000, "--history", "1d", "--requests-per-minute", 100000)
    receiver = LineReceiver()
    place.configuration(tenant, f"  siem: {{type: syslog, transport: tcp, address: '127.0.0.1:{receiver.port}'}}\n",
                        "  road: {from: mdca, encode: {format: cef}, to: siem}\n", feeds=["activities"],
                        top="journal: {segment_size: 1MiB}")
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wait_until("everything to be journaled", lambda: figures(place)["sources"][0]["journal"]["records"] >= 3000, 60)
    stop(capstan)
    journaled = figures(place)["sources"][0]["journal"]["records"]
    segments = sorted((place.directory / "state/sources/mdca/journal").glob("*.segment"))
    expect(len(segments) > 2, f"expected several segments, got {len(segments)}")
    os.truncate(segments[-1], 0)
    with open(segments[0], "r+b") as file:
        file.write(b"\xee" * 200_000)
    can_be_read = journal_lines(place)
    status = figures(place)
    expect_conserved(status, "damaged")
    expect(not status["sources"][0]["journal"]["whole"], "a journal without its newest segment is called whole")
    expect(status["sources"][0]["journal"]["records"] == journaled, "the journal has forgotten how many there were")
    receiver.open()
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", timeout=120, check=0)
    status = figures(place)
    expect_conserved(status, "after delivery")
    route = status["routes"][0]
    lost, again = route["lost_to_damage"], status["sources"][0]["journal"]["records"] - journaled
    expect(lost == journaled - can_be_read, f"{journaled - can_be_read} are gone, {lost} are counted as lost")
    return f"{journaled} journaled, {lost} destroyed and counted, {again} collected again"


CASES = [backlog_is_exact, doubles_are_counted, replay_is_resent, damage_is_no_backlog]
