"""Bad input: each gives an error from the catalogue that says what, where, why and what to do; nothing is lost, nothing crashes."""
import json
import pathlib
import re
import socket
import time

from cases_road import file_route
from harness import expect, free_port, stop, wait_until


def refuses(place, expected_code, *arguments, exit_code=78):
    done = place.run(*arguments, timeout=60)
    said = done.stdout + done.stderr
    expect(done.returncode == exit_code, f"expected exit {exit_code}, got {done.returncode}: {said[-1500:]}")
    expect(expected_code in said, f"expected {expected_code} in: {said[-1500:]}")
    return said


def wrong_usage(place):
    refuses(place, "E1001", "run", "--no-such-option", exit_code=2)
    refuses(place, "E1001", "ruin", exit_code=2)
    said = refuses(place, "E1015", "explain", "E9999", exit_code=2)
    return said.strip().splitlines()[0]


def configuration_findings_are_all_reported(place):
    place.write("capstan.yaml", """
data_dir: /tmp/x
tenants:
  contoso: {api_url: 'https://a.example', auth: {method: oauth2, tenant_id: t, client_id: c, client_secret: '${env:NO_SUCH_VARIABLE}'}}
sources:
  mdca: {type: mdca, tenant: contso}
sinks:
  siem: {type: syslog, adress: '127.0.0.1:514', transport: carrier-pigeon}
routes:
  all: {from: mdca, encode: {format: cef}, to: siem}
""")
    said = refuses(place, "E1004", "check", "-c", "capstan.yaml")
    for part in ("E1007", "E1009", "E1005", 'did you mean "address"', "capstan.yaml:4:", "capstan.yaml:8:"):
        expect(part in said, f"expected {part} in: {said}")
    refuses(place, "E1002", "check", "-c", "nowhere.yaml")
    place.write("broken.yaml", "a: [1,\nb: }")
    refuses(place, "E1003", "check", "-c", "broken.yaml")
    place.write("twice.yaml", "data_dir: /tmp/x\ndata_dir: /tmp/y\n")
    refuses(place, "E1011", "check", "-c", "twice.yaml")
    return ""


def port_in_use(place):
    tenant = place.simulate("--activities", 10)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        file_route(place, tenant, feeds=["activities"], top=f"api: {{listen: '127.0.0.1:{taken.getsockname()[1]}'}}\n")
        return refuses(place, "E9002", "run", "-c", "capstan.yaml").strip().splitlines()[-1][:200]


def second_process_is_refused(place):
    tenant = place.simulate("--activities", 10)
    file_route(place, tenant, feeds=["activities"])
    first = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    time.sleep(2)
    done = place.run("run", "-c", "capstan.yaml", timeout=30)
    expect(done.returncode == 1 and "E1013" in done.stderr + done.stdout, f"{done.returncode}: {done.stderr[-800:]}")
    stop(first)
    return ""


def no_room_on_the_disk(place):
    """The journal's reserve is larger than the disk: nothing is appended, nothing is lost, and with room all arrives."""
    tenant = place.simulate("--seed", 2, "--activities", 1000, "--requests-per-minute", 100000)
    out = file_route(place, tenant, feeds=["activities"], top="journal: {reserve: 900TiB}\n")
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wait_until("E4001 in the log", lambda: "E4001" in place.log_text("capstan.log"), 20)
    expect(capstan.poll() is None, "capstan ended for want of room")
    stop(capstan)
    out = file_route(place, tenant, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    wanted = {line["id"] for line in tenant.truth("activities")}
    got = [json.loads(line)["id"] for line in out.read_text().splitlines()]
    expect(set(got) == wanted and len(got) == len(wanted), f"wanted {len(wanted)}, got {len(got)} ({len(set(got))} distinct)")
    return ""


def corrupt_journal(place):
    tenant = place.simulate("--seed", 2, "--activities", 2000, "--requests-per-minute", 100000)
    file_route(place, tenant, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    segment = sorted((place.directory / "state").rglob("*.segment"))[0]
    with open(segment, "r+b") as file:
        file.seek(0, 2)
        file.write(b"half a frame")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    with open(segment, "r+b") as file:
        file.seek(segment.stat().st_size // 3)
        file.write(b"\0" * 3000)
    done = place.run("journal", "verify", "-c", "capstan.yaml")
    expect(done.returncode == 1 and "E4003" in done.stdout + done.stderr, f"{done.returncode}: {(done.stdout + done.stderr)[-800:]}")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    return ""


def odd_records_are_kept(place):
    """10 MB, invalid UTF-8, a lone surrogate, no id, keys that differ in case, integers above 2^53: kept as they came."""
    records = place.directory / "records"
    records.mkdir()
    now = int(time.time() * 1000) - 3_600_000
    base = b'{"_id":"%s","timestamp":%d,"created":%d,"appName":"App",%s}'
    lines = [
        base % (b"big", now, now, b'"rawDataJson":{"blob":"' + b"x" * 10_000_000 + b'"}'),
        base % (b"bad-utf8", now + 1, now + 1, b'"description":"\xff\xfe broken"'),
        base % (b"surrogate", now + 2, now + 2, b'"description":"\\ud800 alone"'),
        base % (b"large-integer", now + 3, now + 3, b'"rawDataJson":{"n":9007199254740993,"Level":1,"level":2}'),
        b'{"timestamp":%d,"created":%d,"appName":"nameless"}' % (now + 4, now + 4),
    ]
    (records / "activities.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    tenant = place.simulate("--records", records, "--requests-per-minute", 100000)
    sinks = f"  raw: {{type: file, path: '{place.directory}/raw.ndjson'}}\n  cef: {{type: file, path: '{place.directory}/out.cef'}}\n"
    place.configuration(tenant, sinks, "  raw: {from: mdca, encode: {format: json}, to: raw}\n  cef: {from: mdca, encode: {format: cef}, to: cef}\n",
                        feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0, timeout=120)
    raw = (place.directory / "raw.ndjson").read_bytes()
    expect(lines[0] in raw, "the 10 MB record is not as it came")
    expect(b"9007199254740993" in raw and b'"Level":1,"level":2' in raw, "integers or names changed")
    expect(len(raw.splitlines()) == len(lines), f"expected {len(lines)} lines, got {len(raw.splitlines())}")
    cef = (place.directory / "out.cef").read_bytes()
    cef.decode("utf-8")
    expect(len(cef.splitlines()) == len(lines), f"expected {len(lines)} CEF lines, got {len(cef.splitlines())}")
    return ""


def tenant_answers_html(place):
    tenant = place.simulate("--seed", 2, "--activities", 800, "--requests-per-minute", 100000)
    tenant.post("/_sim/faults", [{"path": "/api/v1/activities", "count": 2, "html": True}])
    out = file_route(place, tenant, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    expect(len(out.read_text().splitlines()) == 800, f"{len(out.read_text().splitlines())} of 800")
    return ""


def check_live_explains(place):
    """Each failure in words: what it means and what to do."""
    tenant = place.simulate("--activities", 10)
    sink = f"  out: {{type: syslog, address: '127.0.0.1:{free_port()}', transport: tcp}}\n"
    route = "  all: {from: mdca, encode: {format: cef}, to: out}\n"
    found = {}

    def live(name, expected, **more):
        path = place.configuration(tenant, sink, route, feeds=["activities"], **more)
        text = path.read_text()
        for old, new in more.pop("swap", {}).items():
            text = text.replace(old, new)
        done = place.run("check", "--live", "-c", "capstan.yaml", timeout=90)
        said = done.stdout + done.stderr
        expect(done.returncode == 1, f"{name}: expected exit 1, got {done.returncode}: {said[-1500:]}")
        expect(expected in said, f"{name}: expected {expected} in {said[-2000:]}")
        found[name] = expected

    live("nothing listens at the destination", "E3001")
    secret = place.secrets["CLIENT_SECRET"]
    place.secrets["CLIENT_SECRET"] = "wrong"
    live("wrong secret", "E2015")
    place.secrets["CLIENT_SECRET"] = secret
    live("proxy that is not there", "E2009", tenant_more=f"proxy: 'http://127.0.0.1:{free_port()}'")
    tenant.post("/_sim/faults", [{"path": "/api/v1/", "count": 1, "status": 403, "body": '{"detail":"Insufficient role based permissions"}'}])
    live("403", "E2002")
    # A 400 is asked again in every form that the source knows.
    for status, times, code, body in ((400, 4, "E2006", '{"filters":[{"error":"not valid"}],"error":true}'), (404, 1, "E2005", '{"detail":"Not found."}'),
                               (429, 1, "E2003", '{"detail":"Request was throttled. Expected available in 23 seconds."}')):
        tenant.post("/_sim/faults", [{"path": "/api/v1/", "count": times, "status": status, "body": body}])
        live(str(status), code)
    api = tenant.ready["api_url"]
    tenant.ready["api_url"] = "https://name-that-does-not-exist.invalid"
    live("unknown host", "E2008")
    tenant.ready["api_url"] = api.replace("http://", "https://")
    live("TLS to a plain port", "E2010")
    return ", ".join(f"{name} {code}" for name, code in found.items())


def secrets_are_never_shown(place):
    tenant = place.simulate("--seed", 2, "--activities", 200)
    file_route(place, tenant, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    said = place.run("check", "-c", "capstan.yaml", "--output", "json").stdout + place.log_text("capstan.log")
    said += place.run("status", "-c", "capstan.yaml", "--output", "json").stdout
    kept = b"".join(p.read_bytes() for p in (place.directory / "state").rglob("*") if p.is_file())
    for name, value in place.secrets.items():
        expect(value not in said, f"{name} was shown")
        expect(value.encode() not in kept, f"{name} was stored")
    return ""


def clock_jumps_an_hour(place):
    """The machine's clock is an hour wrong, forward and back: windows follow the tenant's dates, so nothing is lost or doubled."""
    library = next((str(p) for p in pathlib.Path("/usr/lib").rglob("libfaketime.so.1")), None)
    tenant = place.simulate("--seed", 12, "--activities", 1500, "--requests-per-minute", 100000)
    out = file_route(place, tenant, feeds=["activities"])
    expect(library is not None, "libfaketime is not installed (tools/install-packages test)")
    for shift in ("+3600s", "-3600s", "+0s"):
        place.secrets.update(LD_PRELOAD=library, FAKETIME=shift, FAKETIME_DONT_FAKE_MONOTONIC="1")
        place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    for name in ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"):
        del place.secrets[name]
    wanted = {line["id"] for line in tenant.truth("activities")}
    got = [json.loads(line)["id"] for line in out.read_text().splitlines()]
    expect(set(got) == wanted and len(got) == len(wanted), f"wanted {len(wanted)}, got {len(got)} ({len(set(got))} distinct)")
    return ""


CASES = [wrong_usage, configuration_findings_are_all_reported, port_in_use, second_process_is_refused, no_room_on_the_disk, corrupt_journal,
         odd_records_are_kept, tenant_answers_html, check_live_explains, secrets_are_never_shown, clock_jumps_an_hour]
