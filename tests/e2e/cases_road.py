"""The road from the tenant to the destination, without accidents."""
import json
import re
import time

from harness import expect, stop, wait_until
from receivers import Rsyslog

FEEDS = ["activities", "alerts", "entities", "subnets", "files"]
FILE_SINK = "  out: {{type: file, path: '{path}'}}\n"


def file_route(place, tenant, name="out.ndjson", encode="{format: json, envelope: true}", **more):
    sinks = FILE_SINK.format(path=place.directory / name)
    place.configuration(tenant, sinks, f"  all: {{from: mdca, encode: {encode}, to: out}}\n", **more)
    return place.directory / name


def five_feeds_to_a_file(place):
    """Every record of every feed arrives once, byte for byte; a second run brings nothing again."""
    tenant = place.simulate("--seed", 3, "--activities", 5000, "--alerts", 300, "--entities", 700, "--files", 400, "--subnets", 60,
                            "--requests-per-minute", 100000)
    out = file_route(place, tenant, feeds=FEEDS)
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    for feed in FEEDS:
        shown = {(line["id"]) for line in tenant.truth(feed)}
        got = [r["id"] for r in records if r["feed"] == feed]
        expect(set(got) == shown, f"{feed}: shown {len(shown)}, delivered {len(set(got))}; missing {sorted(shown - set(got))[:3]}")
        created = [r["id"] for r in records if r["feed"] == feed and r["kind"] == "created"]
        expect(len(created) == len(set(created)), f"{feed}: {len(created) - len(set(created))} delivered twice")
    lines = len(records)
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    again = [json.loads(line) for line in out.read_text().splitlines()][lines:]
    expect(not [r for r in again if r["feed"] == "activities"], f"a second run delivered {len(again)} records again")
    return f"{lines} records of five feeds"


def cef_over_tcp_to_rsyslog(place):
    tenant = place.simulate("--seed", 4, "--activities", 3000, "--alerts", 100, "--requests-per-minute", 100000)
    receiver = Rsyslog(place, "siem", "lf")
    receiver.start()
    place.configuration(tenant, receiver.sink(), "  all: {from: mdca, encode: {format: cef, profile: siem-agent}, to: siem}\n",
                        feeds=["activities", "alerts"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    wanted = {line["id"] for line in tenant.truth() if line["feed"] in ("activities", "alerts")}
    wait_until("rsyslog to write everything", lambda: wanted <= set(receiver.ids()), 20, step=0.5)
    received = receiver.ids()
    expect(len(received) == len(set(received)), f"{len(received) - len(set(received))} doubles without any accident")
    lines = receiver.file.read_text(errors="replace").splitlines()
    agent = re.compile(r"^<\d+>\S+.* CEF:0\|MCAS\|SIEM_Agent\|")
    wrong = [line for line in lines if not agent.search(line)]
    expect(not wrong, f"not the agent's form: {wrong[:1]}")
    return f"{len(lines)} lines"


def changed_alerts_come_again_as_updates(place):
    tenant = place.simulate("--seed", 5, "--alerts", 200, "--rate", 30, "--requests-per-minute", 100000)
    out = file_route(place, tenant, feeds=["alerts"], source=", sweep_interval: 10s")
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    time.sleep(24)
    stop(capstan)
    changed = {line["id"] for line in tenant.truth("alerts") if line["version"] > 1}
    expect(changed, "the tenant changed no alert; the case proves nothing")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    updates = {r["id"] for r in records if r["kind"] == "updated"}
    first = {r["id"] for r in records}
    # An alert that changed before it was first read arrives once, in its newest form.
    expect(changed <= first, f"{len(changed - first)} changed alerts never arrived")
    expect(updates, "no update was delivered")
    return f"{len(changed)} changed, {len(updates)} delivered as updates"


def destination_down_then_up(place):
    """Nothing listens at first; everything arrives when the receiver comes."""
    tenant = place.simulate("--seed", 6, "--activities", 4000, "--requests-per-minute", 100000)
    receiver = Rsyslog(place, "siem", "octet")
    place.configuration(tenant, receiver.sink(), "  all: {from: mdca, encode: {format: cef}, to: siem}\n", feeds=["activities"])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    time.sleep(4)
    status = json.loads(place.run("status", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    route = status["routes"][0]
    expect(route["last_error"], "status names no error for the route to nowhere")
    receiver.start()
    wanted = {line["id"] for line in tenant.truth("activities")}
    wait_until("everything to arrive", lambda: wanted <= set(receiver.ids()), 40, step=0.5)
    stop(capstan)
    return f"{len(wanted)} arrived after the outage"


def verify_finds_and_repairs(place):
    """verify says 0 missing; after a segment was taken away it says 1, and --repair brings the records back."""
    tenant = place.simulate("--seed", 8, "--activities", 3000, "--requests-per-minute", 100000)
    file_route(place, tenant, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    whole = place.run("verify", "-c", "capstan.yaml", "--output", "json", check=0)
    expect(json.loads(whole.stdout)["missing"]["records"] == 0, whole.stdout[:500])
    segments = sorted((place.directory / "state").rglob("*.segment"))
    expect(segments, "there is no journal segment")
    # A disk that forgot: the middle of the only segment is overwritten.
    with open(segments[0], "r+b") as segment:
        segment.seek(segments[0].stat().st_size // 2)
        segment.write(b"\xff" * 4096)
    broken = place.run("verify", "-c", "capstan.yaml", "--output", "json")
    expect(broken.returncode == 1, f"expected exit 1 with a damaged journal, got {broken.returncode}: {broken.stdout[:500]}{broken.stderr[-800:]}")
    missing = json.loads(broken.stdout)["missing"]["records"]
    expect(missing > 0, broken.stdout[:500])
    place.run("verify", "-c", "capstan.yaml", "--repair", check=0)
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    after = place.run("verify", "-c", "capstan.yaml", "--output", "json", check=0)
    expect(json.loads(after.stdout)["missing"]["records"] == 0, after.stdout[:500])
    return f"{missing} found missing and repaired"


def replay_sends_again(place):
    tenant = place.simulate("--seed", 9, "--activities", 500, "--requests-per-minute", 100000)
    out = file_route(place, tenant, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    before = len(out.read_text().splitlines())
    place.run("replay", "all", "-c", "capstan.yaml", "--since", "1d", check=0)
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    after = len(out.read_text().splitlines())
    expect(after == 2 * before, f"{before} lines before the replay, {after} after it")
    one = json.loads(out.read_text().splitlines()[0])["id"]
    told = place.run("explain", one, "-c", "capstan.yaml", check=0).stdout
    expect(one in told and "all" in told, told[:500])
    return f"{before} sent again"


def rules_choose_and_change(place):
    """One route takes what a rule keeps, as it came; another what its rule makes. verify counts what was dropped by rule."""
    tenant = place.simulate("--seed", 13, "--activities", 2000, "--alerts", 100, "--requests-per-minute", 100000)
    files = {name: place.directory / f"{name}.ndjson" for name in ("all", "kept", "made")}
    sinks = "".join(f"  {name}: {{type: file, path: '{path}'}}\n" for name, path in files.items())
    place.configuration(tenant, sinks, """  all: {from: mdca, feeds: [activities], encode: {format: json}, to: all}
  kept:
    from: mdca
    encode: {format: json}
    to: kept
    query: |
      source
      | where _Feed == "activities" and eventTypeName == "EVENT_CATEGORY_LOGIN"
  made:
    from: mdca
    feeds: [activities]
    encode: {format: json}
    to: made
    query: source | where isnotempty(user.userName) | project id = _id, who = tolower(tostring(user.userName)), when = timestamp
""", feeds=["activities", "alerts"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    every = [json.loads(line) for line in files["all"].read_text().splitlines()]
    raw = set(files["all"].read_text().splitlines())
    kept = files["kept"].read_text().splitlines()
    wanted = [r for r in every if r.get("eventTypeName") == "EVENT_CATEGORY_LOGIN"]
    expect(kept and len(kept) == len(wanted) and set(kept) <= raw, f"kept {len(kept)}, wanted {len(wanted)} as they came")
    made = [json.loads(line) for line in files["made"].read_text().splitlines()]
    named = {r["_id"]: r["user"]["userName"].lower() for r in every if r.get("user", {}).get("userName")}
    expect({m["id"]: m["who"] for m in made} == named and set(made[0]) == {"id", "who", "when"}, f"made {len(made)}, wanted {len(named)}: {made[:1]}")
    report = json.loads(place.run("verify", "-c", "capstan.yaml", "--output", "json", check=0).stdout)
    expect(report["missing"]["records"] == 0, json.dumps(report)[:500])
    told = place.run("verify", "-c", "capstan.yaml", check=0).stdout
    expect(re.search(rf"^kept\s+{len(kept):,}\s+[\d,]+\s", told, re.M), told[-800:])
    place.write("wrong.yaml", (place.directory / "capstan.yaml").read_text().replace("| where _Feed", "| wher _Feed"))
    refused = place.run("check", "-c", "wrong.yaml")
    expect(refused.returncode == 78 and 'did you mean "where"?' in refused.stdout + refused.stderr, refused.stdout + refused.stderr)
    return f"{len(kept)} kept, {len(made)} made of {len(every)}"


def records_of_any_age(place):
    """Activities older than 30 days come out of the archive; with `since` even those of years ago, byte for byte."""
    records = place.directory / "records"
    records.mkdir()
    days = (5, 29, 31, 100, 900, 2500)
    lines = []
    for number, age in enumerate(days):
        at = int(time.time() * 1000) - age * 86_400_000
        lines.append(f'{{"_id":"old-{number}","timestamp":{at},"created":{at + 60_000},"appName":"App"}}')
    (records / "activities.ndjson").write_text("\n".join(lines) + "\n")
    tenant = place.simulate("--records", records, "--requests-per-minute", 100000)
    out = file_route(place, tenant, encode="{format: json}", feeds=["activities"], source=", since: '2015-01-01'")
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    got = out.read_text().splitlines()
    expect(sorted(got) == sorted(lines), f"expected {len(lines)} records as they are, got {got}")
    return f"{len(got)} records, the oldest of {days[-1]} days ago"


def demo_proves_itself(place):
    done = place.run("demo", "--seconds", 6, timeout=60, check=0)
    expect(re.search(r"missing\s*:?\s*0\b", done.stdout), done.stdout[-1500:])
    return ""


def tables_add_what_the_service_does_not_know(place):
    """Activities carry the office of their address out of a file that changes meanwhile; the tenant's own ranges are a table from
    the first record on."""
    tenant = place.simulate("--seed", 8, "--activities", 2000, "--subnets", 40, "--requests-per-minute", 100000)
    place.write("offices.csv", "range,office\n192.0.0.0/16,wide\n192.0.2.0/24,Bern\n198.51.100.0/24,\"Oslo, \"\"north\"\"\"\n")
    sinks = "".join(f"  {name}: {{type: file, path: '{place.directory / name}.ndjson'}}\n" for name in ("offices", "ranges"))
    routes = """  offices:
    from: mdca
    feeds: [activities]
    query: |
      source | extend ip = tostring(device.clientIP)
      | evaluate ipv4_lookup(offices, ip, range, return_unmatched = true) | project ip, office
    encode: {format: json}
    to: offices
  ranges:
    from: mdca
    feeds: [subnets]
    query: |
      source | extend net = tostring(subnets[0].originalString)
      | evaluate ipv4_lookup(subnets, net, range, return_unmatched = true) | project net, range, name, name1
    encode: {format: json}
    to: ranges
tables:
  offices: {file: offices.csv, reload: 1s}
"""
    place.configuration(tenant, sinks, routes, feeds=["activities", "subnets"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    wanted = {"192.0.2": "Bern", "198.51.100": 'Oslo, "north"'}
    rows = [json.loads(line) for line in (place.directory / "offices.ndjson").read_text().splitlines()]
    wrong = [row for row in rows if row["office"] != wanted.get(row["ip"].rsplit(".", 1)[0], "")]
    expect(len(rows) == 2000 and not wrong, f"{len(rows)} activities, wrongly tagged: {wrong[:3]}")
    ranges = [json.loads(line) for line in (place.directory / "ranges.ndjson").read_text().splitlines()]
    untagged = [row for row in ranges if row["name"] != row["name1"] or not row["range"]]
    expect({row["name"] for row in ranges} and len(ranges) >= 40, f"{len(ranges)} ranges")
    expect(not untagged, f"ranges that do not find themselves: {untagged[:3]}")
    place.run("check", "-c", "capstan.yaml", check=0)
    # What a preview looks up in is what the routes had.
    for route, rows_sent in (("offices", rows), ("ranges", ranges)):
        shown = [json.loads(line) for line in place.run("preview", route, "-c", "capstan.yaml", "--limit", "10000", "--output", "json",
                                                        check=0).stdout.splitlines()]
        previewed = [message for line in shown for message in line["messages"]]
        expect(sorted(previewed) == sorted(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows_sent),
               f"the preview of {route} says other messages: {previewed[:2]}")
    place.write("offices.csv", "range,office\n192.0.2.0/24\n")
    broken = place.run("check", "-c", "capstan.yaml")
    expect(broken.returncode == 78 and "offices.csv:2: expected 2 cells, got 1" in broken.stdout + broken.stderr,
           f"a broken table: {broken.stdout}{broken.stderr}")
    return f"{len(rows)} activities, {len(ranges)} ranges"


CASES = [tables_add_what_the_service_does_not_know, five_feeds_to_a_file, cef_over_tcp_to_rsyslog, changed_alerts_come_again_as_updates, destination_down_then_up,
         verify_finds_and_repairs, replay_sends_again, rules_choose_and_change, records_of_any_age,
         demo_proves_itself]
