"""Seen from outside: metrics, health, logs, systemd, stopping."""
import json
import re
import socket
import time

from cases_road import file_route
from harness import expect, fetch, free_port, stop, wait_until


def listen_address(place):
    return re.search(r"listen: '([^']+)'", (place.directory / "capstan.yaml").read_text()).group(1)


def metrics_and_health(place):
    tenant = place.simulate("--seed", 2, "--activities", 500, "--rate", 5, "--requests-per-minute", 100000)
    file_route(place, tenant, feeds=["activities", "alerts"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml", "--log-format", "json"], "capstan.log")
    base = f"http://{listen_address(place)}"
    wait_until("readyz", lambda: ready(base), 20, step=0.3)
    time.sleep(2)
    status, text = fetch(base + "/metrics")
    expect(status == 200 and "capstan_" in text, text[:500])
    delivered = re.search(r'^capstan_\S*delivered\S*\{[^}]*route="all"[^}]*\} (\d+)', text, re.M)
    expect(delivered and int(delivered.group(1)) >= 500, f"no delivered counter of 500 or more: {delivered}")
    expect(fetch(base + "/healthz")[0] == 200, "healthz")
    report = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    expect(report["sources"][0]["state"].lower() == "connected", json.dumps(report["sources"][0])[:500])
    stop(capstan)
    for line in place.log_text("capstan.log").splitlines():
        json.loads(line)
    return f"{len(text.splitlines())} lines of metrics"


def ready(base):
    try:
        return fetch(base + "/readyz")[0] == 200
    except OSError:
        return False


def readyz_names_the_stalled_stage(place):
    tenant = place.simulate("--seed", 2, "--activities", 500, "--requests-per-minute", 100000)
    sinks = f"  nowhere: {{type: syslog, address: '127.0.0.1:{free_port()}', transport: tcp}}\n"
    place.configuration(tenant, sinks, "  lost_road: {from: mdca, encode: {format: cef}, to: nowhere}\n", feeds=["activities"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    base = f"http://{listen_address(place)}"

    def stalled():
        try:
            status, text = fetch(base + "/readyz")
        except OSError:
            return None
        return text if status == 503 and "lost_road" in text else None

    text = wait_until("readyz to name the stalled route", stalled, 90, step=1.0)
    begin = time.monotonic()
    stop(capstan)
    return f"{text.strip()[:150]}; stopped within {time.monotonic() - begin:.1f} s beside a dead destination"


def systemd_is_told(place):
    address = str(place.directory / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind(address)
        inbox.settimeout(20)
        tenant = place.simulate("--activities", 10)
        file_route(place, tenant, feeds=["activities"])
        place.secrets["NOTIFY_SOCKET"] = address
        capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
        said = inbox.recv(4096).decode()
        expect("READY=1" in said, said)
        capstan.terminate()
        said = ""
        while "STOPPING=1" not in said:
            said = inbox.recv(4096).decode()
        stop(capstan)
    return ""


def start_is_fast(place):
    """Not a timed test: the figure is printed, only an absurd one fails."""
    begin = time.monotonic()
    place.run("version", check=0)
    return f"version in {(time.monotonic() - begin) * 1000:.0f} ms"


CASES = [metrics_and_health, readyz_names_the_stalled_stage, systemd_is_told, start_is_fast]
