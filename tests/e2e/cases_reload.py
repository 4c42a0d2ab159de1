"""The configuration changes while Capstan runs."""
import json
import re
import signal
import socket
import threading
import time

from harness import expect, fetch, stop, wait_until


class LineReceiver:
    """A TCP receiver in this process: keeps the lines and counts the connections that were ever made."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.lines = []
        self.connections = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.server.accept()
            self.connections += 1
            threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection):
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                self.lines.append(line.decode(errors="replace"))

    def sink(self, name):
        return f"  {name}: {{type: syslog, transport: tcp, address: '127.0.0.1:{self.port}', framing: lf}}\n"

    def ids(self):
        return [found.group(1) for line in self.lines if (found := re.search(r'"_id":"([^"]+)"', line))]


def rewrite(place, old, new):
    """Changes the configuration in one step, as an editor does."""
    path = place.directory / "capstan.yaml"
    text = path.read_text()
    expect(old in text, f"{old!r} is not in the configuration")
    path.write_text(text.replace(old, new))


def reloads(place):
    status = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    return status["reload"]


def start(place, receivers, routes):
    tenant = place.simulate("--seed", 17, "--activities", 1000, "--rate", 20, "--requests-per-minute", 100000)
    place.configuration(tenant, "".join(r.sink(name) for name, r in receivers.items()), routes, feeds=["activities"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    for name, receiver in receivers.items():
        wait_until(f"the first 1000 at {name}", lambda r=receiver: len(r.ids()) >= 1000, 60)
    return tenant, capstan


def hangup_changes_one_route_and_no_other(place):
    """A changed query takes effect, an unchanged route keeps its connection, a broken file changes nothing; missing 0."""
    kept, changed = LineReceiver(), LineReceiver()
    tenant, capstan = start(place, {"siem": kept, "soc": changed}, """  all: {from: mdca, encode: {format: json}, to: siem}
  some: {from: mdca, encode: {format: json}, to: soc, query: 'source | where true'}
""")
    rewrite(place, "where true", 'where _id == "none of them"')
    capstan.send_signal(signal.SIGHUP)
    wait_until("the reload", lambda: reloads(place)["changed"] == 1, 20, step=0.2)
    before, at_soc = len(kept.ids()), len(changed.ids())
    wait_until("more at the kept route", lambda: len(kept.ids()) >= before + 40, 30)
    expect(len(changed.ids()) == at_soc, f"{len(changed.ids()) - at_soc} came through a rule that keeps nothing")
    expect(kept.connections == 1, f"the kept route connected {kept.connections} times")
    good = (place.directory / "capstan.yaml").read_text()
    rewrite(place, "where _id", "wher _id")
    capstan.send_signal(signal.SIGHUP)
    wait_until("the refusal", lambda: reloads(place)["refused"] == 1, 20, step=0.2)
    log = place.log_text("capstan.log")
    expect('did you mean "where"?' in log and "changed nothing" in log, log[-1500:])
    (place.directory / "capstan.yaml").write_text(good)
    before = len(kept.ids())
    wait_until("more after the refusal", lambda: len(kept.ids()) >= before + 20, 30)
    expect(kept.connections == 1 and len(changed.ids()) == at_soc, "a refused reload changed something")
    metrics = fetch(re.search(r"admin API listens address=(\S+)", log).group(1) + "/metrics")[1]
    expect('capstan_reloads_total{outcome="changed"} 1' in metrics and 'capstan_reloads_total{outcome="refused"} 1' in metrics, metrics[:800])
    report = json.loads(place.run("verify", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    expect(report["missing"]["records"] == 0, json.dumps(report)[:500])
    stop(capstan)
    ids = kept.ids()
    expect(len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} doubles")
    shown = [line["id"] for line in tenant.truth("activities")]
    expect(len(set(ids) - set(shown)) == 0, "ids that the tenant never had")
    return f"{len(ids)} delivered once, {at_soc} before the rule changed"


def reload_by_command(place):
    """--dry-run shows, reload does; findings and what needs a restart are exit 78 and change nothing."""
    receiver, other = LineReceiver(), LineReceiver()
    _, capstan = start(place, {"siem": receiver}, "  all: {from: mdca, encode: {format: json}, to: siem}\n")
    nothing = place.run("reload", "-c", "capstan.yaml", check=0).stdout
    expect("nothing changed" in nothing, nothing)
    rewrite(place, "routes:\n", other.sink("second").strip("\n") + "\nroutes:\n  second: {from: mdca, encode: {format: json}, to: second}\n")
    shown = place.run("reload", "-c", "capstan.yaml", "--dry-run", check=0).stdout
    expect("added route second" in shown and other.connections == 0, shown)
    report = json.loads(place.run("reload", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    expect(report["outcome"] == "changed", json.dumps(report)[:800])
    wait_until("everything at the new route", lambda: len(set(other.ids())) >= 1000, 30)
    expect(receiver.connections == 1, f"the kept route connected {receiver.connections} times")
    rewrite(place, "backfill: 3d", "backfill: 4d, interval_: 1s")
    refused = place.run("reload", "-c", "capstan.yaml", check=78)
    expect("[E1004]" in refused.stderr and re.search(r"capstan\.yaml:\d+:\d+: ", refused.stderr), refused.stderr)
    rewrite(place, "backfill: 4d, interval_: 1s", "backfill: 4d")
    rewrite(place, "api: {listen", "api: {enabled: true, listen")
    expect("changed source mdca: backfill" in place.run("reload", "-c", "capstan.yaml", check=0).stdout, "the source was not changed")
    rewrite(place, "tenants:\n", "journal: {max_age: 1d}\ntenants:\n")
    refused = place.run("reload", "-c", "capstan.yaml", check=78)
    expect("journal.max_age" in refused.stderr and "[E1019]" in refused.stderr, refused.stderr)
    rewrite(place, "journal: {max_age: 1d}\n", "")
    place.write("other.yaml", (place.directory / "capstan.yaml").read_text())
    place.run("reload", "-c", "other.yaml", check=2)
    counts = reloads(place)
    expect((counts["changed"], counts["unchanged"], counts["refused"]) == (2, 1, 2), json.dumps(counts))
    before = len(receiver.ids())
    wait_until("more after the source changed", lambda: len(receiver.ids()) >= before + 20, 30)
    stop(capstan)
    place.run("reload", "-c", "capstan.yaml", check=1)
    report = json.loads(place.run("verify", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    expect(report["missing"]["records"] == 0, json.dumps(report)[:500])
    for name, ids in (("siem", receiver.ids()), ("second", other.ids())):
        expect(len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} doubles at {name}")
    return f"{len(receiver.ids())} delivered once"


def a_destination_that_stopped_reading_holds_up_nothing(place):
    """Its route is changed to another destination: within the bound, and nothing is lost."""
    dead = socket.create_server(("127.0.0.1", 0), backlog=1)
    dead_sink = f"  siem: {{type: syslog, transport: tcp, address: '127.0.0.1:{dead.getsockname()[1]}', framing: lf}}\n"
    receiver = LineReceiver()
    tenant = place.simulate("--seed", 18, "--activities", 20000, "--requests-per-minute", 100000)
    place.configuration(tenant, dead_sink + receiver.sink("soc"), "  all: {from: mdca, encode: {format: json}, to: siem}\n", feeds=["activities"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")

    def backlog():
        status = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
        return status["routes"][0]["backlog_records"] > 5000

    time.sleep(3)
    wait_until("a backlog", backlog, 40, step=0.5)
    rewrite(place, "to: siem", "to: soc")
    begin = time.monotonic()
    place.run("reload", "-c", "capstan.yaml", check=0)
    took = time.monotonic() - begin
    expect(took < 15, f"the reload took {took:.1f} s")
    # What the dead one had taken into its buffers and never read is in doubt, so it comes again.
    wanted = {line["id"] for line in tenant.truth("activities")}
    wait_until("everything at the new destination", lambda: wanted <= set(receiver.ids()), 60, step=0.5)
    stop(capstan)
    return f"{took:.1f} s, {len(wanted)} at the new destination"


def a_change_of_too_much_is_refused(place):
    """--max-change looks at what the journal has before anything changes."""
    receiver = LineReceiver()
    _, capstan = start(place, {"siem": receiver}, "  all: {from: mdca, query: 'source | where true', encode: {format: json}, to: siem}\n")
    rewrite(place, "where true", "where appId != 20893")
    refused = place.run("reload", "-c", "capstan.yaml", "--max-change", "1", check=78)
    expect("[E1020]" in refused.stderr and "dropped" in refused.stderr, refused.stderr)
    status = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    expect(status["routes"][0]["dropped"] == 0, "the refused rule is at work")
    report = json.loads(place.run("reload", "-c", "capstan.yaml", "--max-change", "60", "--last", "12h", "--output", "json", check=0).stdout)
    effect = report["effects"][0]
    expect(report["outcome"] == "changed" and effect["dropped"] > 0 == effect["added"], json.dumps(report)[:800])
    # Another way to write the same messages changes nothing, whatever is allowed.
    rewrite(place, "where appId != 20893", "where not(appId == 20893)")
    place.run("reload", "-c", "capstan.yaml", "--max-change", "0", check=0)
    place.run("reload", "-c", "capstan.yaml", "--max-change", "many", check=2)
    stop(capstan)
    return f"{effect['dropped']} of {effect['events']} would be dropped"


CASES = [hangup_changes_one_route_and_no_other, reload_by_command, a_destination_that_stopped_reading_holds_up_nothing,
         a_change_of_too_much_is_refused]
