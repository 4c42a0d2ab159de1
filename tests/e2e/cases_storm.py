"""200,000 activities into real receivers while Capstan is killed again and again and a receiver is restarted."""
import contextlib
import json
import random
import signal
import time

from harness import Failure, expect, stop, wait_until
from receivers import Rsyslog, SyslogNg

ACTIVITIES = 200_000
KILLS = 22


def sigkill_storm(place):
    tenant = place.simulate("--seed", 7, "--activities", ACTIVITIES, "--lateness", 5, "--rate", 20, "--requests-per-minute", 100000)
    receivers = [Rsyslog(place, "rsyslog_lf", "lf"), Rsyslog(place, "rsyslog_tls", "tls"), SyslogNg(place, "syslogng_octet", "octet"),
                 SyslogNg(place, "syslogng_lf", "lf"), Rsyslog(place, "rsyslog_udp", "udp")]
    for receiver in receivers:
        receiver.start()
    sinks = "".join(receiver.sink() for receiver in receivers)
    routes = "".join(f"  to_{r.name}: {{from: mdca, encode: {{format: cef}}, to: {r.name}}}\n" for r in receivers)
    place.configuration(tenant, sinks, routes, feeds=["activities"])

    chance = random.Random(11)
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    killed = 0
    for round_number in range(KILLS):
        time.sleep(chance.uniform(0.6, 2.2))
        expect(capstan.poll() is None, f"capstan ended by itself with {capstan.returncode}")
        stop(capstan, signal.SIGKILL)
        killed += 1
        if round_number % 6 == 3:
            receivers[round_number // 6 % 4].restart()
        capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    time.sleep(6)
    stop(capstan)
    # What is still on its way becomes visible within the lateness; then everything is fetched and delivered.
    time.sleep(6)
    frozen = tenant.truth("activities")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", timeout=420, check=0)

    wanted = {line["id"] for line in frozen}
    expect(len(wanted) >= ACTIVITIES, f"the tenant shows {len(wanted)} activities, expected at least {ACTIVITIES}")
    sure = [receiver for receiver in receivers if receiver.transport != "udp"]
    with contextlib.suppress(Failure):
        wait_until("everything to be written", lambda: all(wanted <= set(r.ids()) for r in sure), 45, step=2.0)
    remarks, lost = [], 0
    for receiver in receivers:
        received = receiver.ids()
        missing = wanted - set(received)
        doubles = len(received) - len(set(received))
        remarks.append(f"{receiver.name}: missing {len(missing)}, doubles {doubles}")
        lost += len(missing) if receiver in sure else 0
    if lost:
        told = place.run("verify", "-c", "capstan.yaml", timeout=200)
        gone = sorted(wanted - set(receivers[0].ids()))[:3]
        lines = [json.dumps(line) for line in frozen if line["id"] in gone]
        raise Failure("; ".join(remarks) + f"\nverify says {told.returncode}: {told.stdout[-1500:]}\n" + "\n".join(lines))
    return f"{len(wanted)} activities, {killed} SIGKILLs, 4 receiver restarts; " + "; ".join(remarks)


CASES = [sigkill_storm]
