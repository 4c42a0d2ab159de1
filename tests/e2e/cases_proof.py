"""Proof that cannot lie: late records arrive by themselves, damage heals, and verify says what it could not compare."""
import json
import re
import socket
import threading
import time

from harness import expect, free_port, stop, wait_until


class Lines:
    """A TCP receiver that keeps the lines it gets."""

    def __init__(self, port):
        self.data = bytearray()
        self.lock = threading.Lock()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection):
        while chunk := connection.recv(65536):
            with self.lock:
                self.data += chunk

    def ids(self):
        with self.lock:
            return [match.decode() for match in re.findall(rb"externalId=(\S+)", bytes(self.data))]

    def close(self):
        self.socket.close()


def file_route(place, tenant, name="out.ndjson", **more):
    place.configuration(tenant, f"  out: {{type: file, path: '{place.directory / name}'}}\n",
                        "  all: {from: mdca, encode: {format: json, envelope: true}, to: out}\n", **more)
    return place.directory / name


def delivered(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()] if path.exists() else []


def verify(place, *options, timeout=300):
    done = place.run("verify", "-c", "capstan.yaml", "--output", "json", *options, timeout=timeout)
    expect(done.returncode in (0, 1), f"verify ended with {done.returncode}: {done.stderr[-1000:]}")
    return done.returncode, json.loads(done.stdout)


def flip_a_bit(segment, at):
    with open(segment, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))


def late_records_arrive_by_themselves(place):
    """In a tenant whose clock runs 60 times as fast, records appear 6 to 47 hours after they were saved. Nobody repairs anything."""
    tenant = place.simulate("--seed", 31, "--activities", 3000, "--history", "3d", "--late-by", "6h,12h,24h,47h", "--late-share", "0.4",
                            "--speed", 60, "--requests-per-minute", 100000)
    out = file_route(place, tenant, feeds=["activities"])
    at_start = {line["id"] for line in tenant.truth("activities")}
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    time.sleep(100)
    shown = {line["id"] for line in tenant.truth("activities")}
    late = shown - at_start
    expect(len(late) >= 10, f"only {len(late)} records appeared late; the case proves nothing")
    wait_until(f"{len(late)} late records to arrive", lambda: late <= set(delivered(out)), 400, step=2)
    status = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    proof = status["sources"][0]["proof"]
    told = place.run("status", "-c", "capstan.yaml", check=0).stdout
    stop(capstan)
    expect(proof["feeds"][0]["proved_until"], json.dumps(proof)[:800])
    expect("proved until" in told and "why not later" in told, told)
    ids = delivered(out)
    expect(len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} delivered twice")
    return f"{len(late)} late records arrived, {proof['repaired']} of them by the proof; {proof['polls']} polls"


def a_damaged_backlog_heals_by_itself(place):
    """One flipped bit under a backlog that no destination has: everything arrives once, without a person."""
    tenant = place.simulate("--seed", 32, "--activities", 4000, "--requests-per-minute", 100000)
    port = free_port()
    place.configuration(tenant, f"  siem: {{type: syslog, address: '127.0.0.1:{port}', transport: tcp}}\n",
                        "  all: {from: mdca, encode: {format: cef}, to: siem}\n", feeds=["activities"])
    wanted = {line["id"] for line in tenant.truth("activities")}
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")

    def status():
        return json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)

    wait_until("everything to be journaled", lambda: status()["sources"][0]["journal"]["records"] >= len(wanted), 60, step=0.5)
    segment = sorted((place.directory / "state").rglob("*.segment"))[0]
    for part in (3, 5, 7):
        flip_a_bit(segment, segment.stat().st_size * part // 10)
    receiver = Lines(port)
    wait_until("everything to arrive", lambda: wanted <= set(receiver.ids()), 120, step=0.5)

    def healed():
        proof = status()["sources"][0]["proof"]
        return proof["healed_places"] > 0 and proof["damaged_places"] == 0 and proof

    proof = wait_until("the damage to be healed", healed, 30, step=0.5)
    stop(capstan)
    receiver.close()
    ids = receiver.ids()
    expect(len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} delivered twice")
    expect(proof["repaired"] > 0, json.dumps(proof)[:600])
    code, report = verify(place)
    expect(code == 0 and report["missing"]["records"] == 0, json.dumps(report)[:800])
    return f"{proof['repaired']} of {len(wanted)} came back, {proof['polls']} polls"


def the_timer_command_notices_a_collector_that_stopped(place):
    """The guide's command, a day after the collector was stopped: exit 1, and what is missing is named."""
    tenant = place.simulate("--seed", 33, "--activities", 200, "--rate", "0.02", "--history", "1d", "--speed", 3600,
                            "--requests-per-minute", 100000)
    file_route(place, tenant, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    time.sleep(27)
    code, report = verify(place, "--since", "26h", "--until", "2h")
    expect(code == 1 and not report["is_proved"], json.dumps(report)[:800])
    expect(report["missing"]["records"] > 100 and report["missing"]["ids"], json.dumps(report["missing"])[:500])
    told = place.run("verify", "-c", "capstan.yaml", "--since", "26h", "--until", "2h", "--summary")
    expect(told.returncode == 1 and told.stdout.startswith("NOT PROVED: "), told.stdout[:500])
    return report["verdict"]


def a_backlog_is_not_proved(place):
    """Everything is journaled and nothing is delivered: that waits, is never repaired, and is not called proved."""
    tenant = place.simulate("--seed", 34, "--activities", 500, "--requests-per-minute", 100000)
    place.configuration(tenant, f"  siem: {{type: syslog, address: '127.0.0.1:{free_port()}', transport: tcp}}\n",
                        "  all: {from: mdca, encode: {format: cef}, to: siem}\n", feeds=["activities"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")

    def records():
        return json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)["sources"][0]["journal"]["records"]

    wait_until("everything to be journaled", lambda: records() >= 500, 60, step=0.5)
    time.sleep(3)
    code, report = verify(place, "--late-after", "1s", "--repair")
    # What was saved yesterday is not young because it was collected just now.
    timer, told = verify(place, "--since", "26h", "--until", "2h")
    stop(capstan)
    expect(timer == 1 and told["waiting"]["records"] > 0, json.dumps(told)[:800])
    expect(code == 1 and report["waiting"]["records"] > 0 and report["missing"]["records"] == 0, json.dumps(report)[:800])
    expect(report["repaired"] == 0, f"a backlog was repaired: {report['repaired']}")
    # To look at what waits sends nothing, so nothing counts as sent again.
    for _ in range(2):
        verify(place)
    status = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    expect(status["routes"][0]["resent"] == 0, f"{status['routes'][0]['resent']} count as resent")
    return report["verdict"]


def what_retention_took_from_a_route_is_not_proved(place):
    """A journal that drops the oldest under a dead destination: what the route never had is said, hour by hour."""
    tenant = place.simulate("--seed", 36, "--activities", 3000, "--requests-per-minute", 100000)
    port = free_port()
    place.configuration(tenant, f"  siem: {{type: syslog, address: '127.0.0.1:{port}', transport: tcp}}\n",
                        "  all: {from: mdca, encode: {format: cef}, to: siem}\n", feeds=["activities"],
                        top="journal: {segment_size: 1MiB, max_bytes: 4MiB, when_full: drop_oldest}\nproof: {enabled: false}\n")
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")

    def lost():
        status = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
        return status["routes"][0]["lost_to_retention"]

    wait_until("the journal to drop", lambda: lost() > 500, 60, step=0.5)
    time.sleep(2)
    receiver = Lines(port)
    wait_until("what is left to arrive", lambda: len(set(receiver.ids())) + lost() >= 3000, 60, step=0.5)
    code, report = verify(place)
    stop(capstan)
    receiver.close()
    expect(code == 1 and not report["is_proved"], json.dumps(report)[:800])
    told = place.run("verify", "-c", "capstan.yaml", check=1).stdout
    expect("before route all had" in told, told[:1500])
    yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    day = json.loads(place.run("report", "-c", "capstan.yaml", "--day", yesterday, "--format", "json", check=0).stdout)
    hours = [hour for hour in day["report"]["sources"][0]["hours"] if any(route["lost"] for route in hour["routes"])]
    expect(hours and all(hour["proof"] == "not comparable" and "before a route had them" in hour["why"] for hour in hours),
           json.dumps(hours)[:800])
    return report["verdict"]


def one_dead_tenant_of_ten_costs_one_timeout(place):
    tenant = place.simulate("--seed", 35, "--activities", 300, "--alerts", 20, "--requests-per-minute", 100000)
    dead = free_port()
    names = [f"t{i}" for i in range(10)]

    def configuration(dead_one):
        tenants = "".join(f"""  {name}:
    api_url: {tenant.ready['api_url'] if name != dead_one else f'http://127.0.0.1:{dead}'}
    auth: {{method: oauth2, authority: '{tenant.ready['authority'] if name != dead_one else f'http://127.0.0.1:{dead}'}', tenant_id: '{tenant.ready['tenant_id']}', client_id: '{tenant.ready['client_id']}', client_secret: '${{env:CLIENT_SECRET}}'}}
    requests_per_minute: 6000
""" for name in names)
        sources = "".join(f"  s_{name}: {{type: mdca, tenant: {name}, feeds: [activities, alerts], interval: 1s, backfill: 3d}}\n" for name in names)
        place.write("capstan.yaml", f"""
data_dir: {place.directory}/state
api: {{enabled: false}}
tenants:
{tenants}
sources:
{sources}
sinks:
  out: {{type: file, path: '{place.directory}/out.ndjson'}}
routes:
  all: {{from: [{', '.join('s_' + name for name in names)}], encode: {{format: json}}, to: out}}
""")

    configuration(None)
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    configuration("t4")
    begin = time.monotonic()
    told = place.run("verify", "-c", "capstan.yaml", "--only-bad", timeout=200)
    took = time.monotonic() - begin
    expect(told.returncode == 1, told.stdout[-2000:])
    expect(took < 45, f"verify took {took:.0f} s")
    lines = [line for line in told.stdout.splitlines() if "not comparable" in line and "s_t4" in line]
    expect(len(lines) == 1 and "t4" in lines[0], told.stdout[-2000:])
    expect(not [line for line in told.stdout.splitlines() if "not comparable" in line and "s_t4" not in line], told.stdout[-2000:])
    code, report = verify(place, "--tenant", "t1", "--tenant", "t2")
    expect(code == 0 and {row["tenant"] for row in report["hours"]} == {"t1", "t2"}, report["verdict"])
    return f"{took:.0f} s; {lines[0][:100]}"


def repaired_records_that_were_delivered_count_as_resent(place):
    """A destination has everything, then the journal is damaged: repair sends those records again, and every double is counted."""
    tenant = place.simulate("--seed", 36, "--activities", 3000, "--requests-per-minute", 100000)
    out = file_route(place, tenant, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    segment = sorted((place.directory / "state").rglob("*.segment"))[0]
    flip_a_bit(segment, segment.stat().st_size // 2)
    code, report = verify(place)
    expect(code == 1 and report["missing"]["records"] > 0, json.dumps(report)[:800])
    missing = report["missing"]["records"]
    code, report = verify(place, "--repair")
    expect(code == 0 and report["repaired"] == missing, json.dumps(report)[:800])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    ids = delivered(out)
    doubles = len(ids) - len(set(ids))
    status = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    expect(status["routes"][0]["resent"] == doubles == missing, f"{doubles} doubles, {missing} repaired, resent {status['routes'][0]['resent']}")
    code, report = verify(place)
    expect(code == 0 and report["totals"]["double"] == 0, json.dumps(report)[:800])
    return f"{doubles} repaired, resent and counted"


def retention_leaves_proof_behind(place):
    """A journal of a few segments whose oldest are gone: their seals prove that nothing is missing, and nothing is sent again."""
    tenant = place.simulate("--seed", 37, "--activities", 6000, "--requests-per-minute", 100000)
    out = file_route(place, tenant, feeds=["activities"], top="journal: {segment_size: 1MiB, max_bytes: 4MiB, reserve: 1MiB}\n")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", timeout=180, check=0)
    first = sorted((place.directory / "state").rglob("*.segment"))[0].name
    expect(not first.startswith("0" * 20), "retention removed nothing; the case proves nothing")
    before = len(delivered(out))
    code, report = verify(place, "--repair")
    expect(report["missing"]["records"] == 0 and report["repaired"] == 0, json.dumps(report)[:800])
    expect(code == 0 and report["totals"]["removed"] > 0, report["verdict"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", timeout=180, check=0)
    expect(len(delivered(out)) == before, "something was sent again")
    # Without seals it cannot be compared, and that is said.
    for seal in (place.directory / "state").rglob("*.seal"):
        seal.unlink()
    code, report = verify(place, "--repair")
    expect(code == 1 and report["not_comparable"]["windows"] > 0 and report["repaired"] == 0, report["verdict"])
    return f"{report['not_comparable']['windows']} windows not comparable without seals"


CASES = [one_dead_tenant_of_ten_costs_one_timeout, a_backlog_is_not_proved, what_retention_took_from_a_route_is_not_proved, the_timer_command_notices_a_collector_that_stopped,
         repaired_records_that_were_delivered_count_as_resent, retention_leaves_proof_behind, a_damaged_backlog_heals_by_itself,
         late_records_arrive_by_themselves]
