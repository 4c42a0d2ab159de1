"""A day's report and the proof of one event: counted by an oracle, checked by Capstan and by the independent program, tampered with."""
import collections
import datetime
import json
import pathlib
import random
import signal
import subprocess
import sys
import time

from harness import Skip, expect, stop

ACTIVITIES = 100_000
CHECKER = pathlib.Path(__file__).parent.parent.parent / "examples" / "check-proof.py"
SINKS = "".join(f"  {name}_out: {{{{type: file, path: '{{0}}/{name}.ndjson', rotate_bytes: 8GiB}}}}\n" for name in ("all", "some"))
ROUTES = """  everything: {from: mdca, encode: {format: json, envelope: true}, to: all_out}
  logins: {from: mdca, query: "source | where appId == 11161", encode: {format: json, envelope: true}, to: some_out}
"""


def keys(place):
    """A signing key and its public half, made by openssl as the guide says."""
    for command in (["openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem"],
                    ["openssl", "pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]):
        try:
            subprocess.run(command, cwd=place.directory, check=True, capture_output=True)
        except FileNotFoundError:
            raise Skip("there is no openssl program on this machine") from None


def checked(place, *arguments):
    """The independent program: exit code and what it said."""
    done = subprocess.run([sys.executable, str(CHECKER), *map(str, arguments)], cwd=place.directory, capture_output=True, text=True, timeout=120)
    expect("Traceback" not in done.stderr, f"check-proof.py broke: {done.stderr[-1500:]}")
    return done.returncode, done.stdout


def report(place, day, *more, name="report.json"):
    done = place.run("report", "-c", "capstan.yaml", "--day", day, "--format", "json", "--sign", "key.pem", *more, check=0)
    (place.directory / name).write_text(done.stdout)
    return json.loads(done.stdout)["report"]


Delivered = collections.namedtuple("Delivered", "id saved")


def lines_of(path):
    """What was delivered, one entry a line; only what the oracle needs is kept."""
    if not path.exists():
        return []
    with path.open() as lines:
        return [Delivered(record["id"], record["record"]["created"]) for record in map(json.loads, lines)]


def by_hour(times, begin, end):
    """How many of the times lie in each hour of [begin, end), by the hour's first millisecond."""
    return collections.Counter(begin + (time - begin) // 3_600_000 * 3_600_000 for time in times if begin <= time < end)


def milliseconds(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def compare(place, tenant, told):
    """Every hour of the report is what the tenant showed and what the files hold; gives the number of records of the day."""
    begin, end = milliseconds(told["from"]), milliseconds(told["to"])
    shown = by_hour([line["created"] for line in tenant.truth("activities")], begin, end)
    everything = by_hour([one.saved for one in lines_of(place.directory / "all.ndjson")], begin, end)
    logins = by_hour([one.saved for one in lines_of(place.directory / "some.ndjson")], begin, end)
    (source,) = told["sources"]
    hours = {milliseconds(hour["from"]): hour for hour in source["hours"] if hour["journaled"]}
    expect(set(hours) == set(shown), f"hours of the report {sorted(hours)[:3]}…, of the tenant {sorted(shown)[:3]}…")
    for at, hour in hours.items():
        routes = {route["route"]: route for route in hour["routes"]}
        expect(hour["journaled"] == shown[at], f"{hour['from']}: journaled {hour['journaled']}, shown {shown[at]}")
        expect(routes["everything"]["delivered"] == everything[at], f"{hour['from']}: {routes['everything']}")
        expect(routes["logins"]["delivered"] == logins[at], f"{hour['from']}: {routes['logins']}, in the file {logins[at]}")
        expect(routes["logins"]["dropped"] == everything[at] - logins[at], f"{hour['from']}: {routes['logins']}")
        for route in routes.values():
            expect(route["unknown"] == route["waiting"] == route["lost"] == 0, f"{hour['from']}: {route}")
            expect(route["delivered"] == 0 or route["first"] <= route["last"], f"{hour['from']}: {route}")
    expect(not source["not_known"], f"not known: {source['not_known'][:2]}")
    return sum(shown.values())


def days_of(records):
    day = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).date()
    return sorted({day(record.saved) for record in records})


def tampered(place, name, at, bit=0):
    path = place.directory / name
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    changed = place.directory / f"tampered-{name}"
    changed.write_bytes(data)
    return changed


def a_days_report_of_100000_events(place):
    """Counted hour by hour against the delivered files; signature, chain and journal fit; every tampered copy is found."""
    keys(place)
    tenant = place.simulate("--seed", 31, "--activities", ACTIVITIES, "--requests-per-minute", 1000000)
    place.configuration(tenant, SINKS.format(place.directory), ROUTES, feeds=["activities"], top="journal: {segment_size: 16MiB}\n")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", timeout=400, check=0)
    records = lines_of(place.directory / "all.ndjson")
    expect(len(records) >= ACTIVITIES, f"{len(records)} records were delivered, expected {ACTIVITIES}")
    total, biggest, told_of = 0, None, {}
    for day in days_of(records):
        told = report(place, day, name=f"{day}.json")
        events = compare(place, tenant, told)
        told_of[day] = told
        total += events
        biggest = max(biggest or (0, day), (events, day))
    expect(total == len(records), f"the days have {total} events, the file {len(records)}")
    file = f"{biggest[1]}.json"
    fits = place.run("report", "verify", file, "--key", "public.pem", "--data-dir", "state", check=0)
    expect("not checked" not in fits.stdout, fits.stdout)
    expect(fits.stdout.count("the Merkle root over") >= 3, fits.stdout)
    code, said = checked(place, file, "--key", "public.pem")
    expect(code == 0, said)

    size = (place.directory / file).stat().st_size
    chance = random.Random(5)
    for _ in range(40):
        changed = tampered(place, file, chance.randrange(size), chance.randrange(7))
        place.run("report", "verify", changed, "--key", "public.pem", check=1)
        code, said = checked(place, changed, "--key", "public.pem")
        expect(code == 1 and "does not fit" in said, f"check-proof.py took a tampered report: {said}")
    (place.directory / "beside.json").write_text((place.directory / file).read_text().rstrip()[:-1] + ',"zzz":1}\n')
    place.run("report", "verify", "beside.json", "--key", "public.pem", check=1)
    code, said = checked(place, "beside.json", "--key", "public.pem")
    expect(code == 1 and "nobody signed" in said, f"check-proof.py took what stands beside the report: {said}")
    # A byte of the journal, too: of a segment that the report names.
    base = told_of[biggest[1]]["sources"][0]["segments"][1]["base"]
    segment = place.directory / f"state/sources/mdca/journal/{base:020}.segment"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 4
    segment.write_bytes(data)
    wrong = place.run("report", "verify", file, "--key", "public.pem", "--data-dir", "state", check=1)
    expect("does not fit" in wrong.stdout and f"segment {base}: the bytes from" in wrong.stdout, wrong.stdout)

    html = place.run("report", "-c", "capstan.yaml", "--day", biggest[1], "--format", "html", "--sign", "key.pem", check=0).stdout
    (place.directory / "report.html").write_text(html)
    place.run("report", "verify", "report.html", "--key", "public.pem", check=0)
    place.run("report", "verify", tampered(place, "report.html", html.find("<b>") + 3), "--key", "public.pem", check=1)
    text = place.run("report", "-c", "capstan.yaml", "--day", biggest[1], check=0).stdout
    expect(f"{biggest[0]:,}" in text and "route logins" in text, text[:600])
    return f"{total} events on {len(days_of(records))} days, {size // 1024} KiB of JSON for {biggest[0]} of them"


def one_event_is_proved_without_our_code(place):
    keys(place)
    tenant = place.simulate("--seed", 32, "--activities", 8000, "--requests-per-minute", 1000000)
    place.configuration(tenant, SINKS.format(place.directory), ROUTES, feeds=["activities"], top="journal: {segment_size: 1MiB, max_bytes: 64MiB}\n")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", timeout=200, check=0)
    records = lines_of(place.directory / "all.ndjson")
    chance = random.Random(6)
    proved = 0
    for record in chance.sample(records, 12) + [records[-1]]:
        (day,) = days_of([record])
        report(place, day)
        proof = place.run("report", "prove", record.id, "-c", "capstan.yaml", "--report", "report.json", check=0).stdout
        (place.directory / "proof.json").write_text(proof)
        path = json.dumps(json.loads(proof)["path"])
        expect(len(path) <= 2048, f"the path has {len(path)} bytes")
        life = json.loads(place.run("explain", record.id, "-c", "capstan.yaml", "--output", "json", check=0).stdout)
        (place.directory / "event.json").write_text(life["versions"][-1]["raw"])
        receipts = [route["receipts"] for route in life["versions"][-1]["routes"] if route["state"] == "delivered"]
        expect(receipts and all(one[0]["destination"].startswith("file ") and one[0]["attempts"] == 1 for one in receipts), str(receipts))
        evidence = ("--proof", "proof.json", "--event", "event.json", "--key", "public.pem")
        place.run("report", "verify", "report.json", *evidence, check=0)
        code, said = checked(place, "report.json", *evidence)
        expect(code == 0 and record.id in said, said)
        proved += 1
    size = (place.directory / "proof.json").stat().st_size
    for _ in range(60):
        changed = tampered(place, "proof.json", chance.randrange(size), chance.randrange(7))
        code, said = checked(place, "report.json", "--proof", changed, "--event", "event.json")
        expect(code == 1, f"check-proof.py took a tampered proof: {said}")
        place.run("report", "verify", "report.json", "--proof", changed, "--event", "event.json", check=1)
    for at in (0, 50, 200):
        code, said = checked(place, "report.json", "--proof", "proof.json", "--event", tampered(place, "event.json", at))
        expect(code == 1, f"check-proof.py took a tampered event: {said}")
    place.run("report", "prove", "nobody", "-c", "capstan.yaml", check=1)
    lines = len(CHECKER.read_text().splitlines())
    expect(lines <= 200, f"check-proof.py has {lines} lines")
    return f"{proved} events proved; the program has {lines} lines"


def receipts_survive_sigkill(place):
    """Killed again and again: every record has a receipt, and what was delivered twice is told as such."""
    keys(place)
    tenant = place.simulate("--seed", 33, "--activities", 30000, "--requests-per-minute", 1000000)
    place.configuration(tenant, SINKS.format(place.directory), ROUTES, feeds=["activities"], top="journal: {segment_size: 4MiB}\n")
    chance = random.Random(7)
    for _ in range(8):
        capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
        time.sleep(chance.uniform(0.4, 1.5))
        expect(capstan.poll() is None, f"capstan ended by itself with {capstan.returncode}")
        stop(capstan, signal.SIGKILL)
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", timeout=300, check=0)
    records = lines_of(place.directory / "all.ndjson")
    ids = {record.id for record in records}
    total = 0
    for day in days_of(records):
        told = report(place, day)
        total += compare(place, tenant, told)
        place.run("report", "verify", "report.json", "--key", "public.pem", "--data-dir", "state", check=0)
    expect(total == len(ids) == len(records), f"{total} in the reports, {len(ids)} ids in {len(records)} lines of the file")
    return f"{total} records, 8 SIGKILLs, a receipt for each"


def what_is_asked_wrongly_is_said(place):
    keys(place)
    tenant = place.simulate("--seed", 34, "--activities", 50, "--requests-per-minute", 100000)
    place.configuration(tenant, SINKS.format(place.directory), ROUTES, feeds=["activities"])
    place.run("report", "-c", "capstan.yaml", "--day", "yesterday", check=1)  # there is no journal yet
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    for wrong in (["--day", "2026-13-01"], ["--day", "2126-01-01"], ["--day", "yesterday", "--zone", "Europe/Amsterdm"], [],
                  ["--day", "yesterday", "--sign", "key.pem"], ["--day", "yesterday", "--format", "json", "--sign", "public.pem"]):
        place.run("report", "-c", "capstan.yaml", *wrong, check=2)
    done = place.run("report", "-c", "capstan.yaml", "--day", "yesterday", "--tenant", "nobody")
    expect(done.returncode != 0 and "nobody" not in done.stdout, done.stdout + done.stderr)
    if pathlib.Path("/usr/share/zoneinfo/Europe/Amsterdam").exists():
        place.run("report", "-c", "capstan.yaml", "--day", "yesterday", "--zone", "Europe/Amsterdam", check=0)


CASES = [a_days_report_of_100000_events, one_event_is_proved_without_our_code, receipts_survive_sigkill, what_is_asked_wrongly_is_said]
