"""A service that does against its contract what it can: everything it shows is delivered, and no request goes on for ever."""
import json
import re
import shutil
import time

from cases_road import file_route
from harness import expect, stop, wait_until


def delivered(out):
    """Ids by feed of what stands in the file so far."""
    ids = {}
    for line in out.read_text().splitlines() if out.exists() else []:
        record = json.loads(line)
        ids.setdefault(record["feed"], []).append(record["id"])
    return ids


def expect_all_shown(tenant, out, feeds):
    got = delivered(out)
    for feed in feeds:
        shown = {line["id"] for line in tenant.truth(feed)}
        missing = shown - set(got.get(feed, []))
        expect(not missing, f"{feed}: {len(missing)} of {len(shown)} are missing, such as {sorted(missing)[:3]}")


def begin_anew(place):
    shutil.rmtree(place.directory / "state")
    (place.directory / "out.ndjson").unlink()


def requests_of(tenant):
    return json.loads(tenant.get("/_sim/requests"))


def caught_up(place, tenant, feeds, faults, **more):
    """Runs until caught up beside these faults; the requests that it took."""
    out = file_route(place, tenant, feeds=feeds, **more)
    tenant.post("/_sim/faults", faults)
    done = place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    expect_all_shown(tenant, out, feeds)
    return out, requests_of(tenant), done.stderr


def lost_pages_come_back(place):
    tenant = place.simulate("--seed", 31, "--activities", 3000, "--requests-per-minute", 0)
    faults = [{"path": "/api/v1/activities", "from_request": 2, "count": 2, "loses_page": True}]
    _, requests, log = caught_up(place, tenant, ["activities"], faults)
    expect(requests["faults"] == 2, f"expected two faults, got {requests}")
    expect("pages without records" in log, f"nobody says that pages were empty:\n{log[-2000:]}")
    return f"{requests['paths']}"


def what_is_no_list_is_asked_for_again(place):
    tenant = place.simulate("--seed", 32, "--activities", 2000, "--alerts", 300, "--requests-per-minute", 0)
    wrong = [{"null_data": True}, {"omits_data": True}, {"truncate": 3000}, {"status": 204, "body": ""}, {"html": True}, {"garbage": True}]
    faults = [{"path": f"/api/v1/{feed}", "count": 1, **each} for each in wrong for feed in ("activities", "alerts")]
    _, requests, log = caught_up(place, tenant, ["activities", "alerts"], faults)
    expect(requests["faults"] == len(faults), f"expected {len(faults)} faults, got {requests}")
    expect("E2007" in log, f"nobody says that answers were no lists:\n{log[-2000:]}")
    return f"{requests['paths']}"


def blips_hold_nobody(place):
    """One 401, 403 and 404 for each feed: it goes on within seconds, and nothing waits for five minutes."""
    tenant = place.simulate("--seed", 33, "--activities", 500, "--alerts", 50, "--requests-per-minute", 0)
    faults = [{"path": f"/api/v1/{feed}", "from_request": n, "to_request": n, "status": status, "body": {"detail": "passing"}}
              for feed in ("activities", "alerts") for n, status in ((1, 404), (3, 401), (5, 403))]
    begin = time.monotonic()
    caught_up(place, tenant, ["activities", "alerts"], faults)
    seconds = time.monotonic() - begin
    expect(seconds < 45, f"it took {seconds:.0f} s")
    return f"{seconds:.1f} s"


def lists_that_ignore_what_is_asked_end(place):
    """An inventory whose skip is ignored, and activities whose order or filters are."""
    for ignored, feeds in ((["skip"], ["entities", "activities"]), (["sort"], ["activities"]), (["filters"], ["activities"]),
                           (["limit"], ["activities", "entities"])):
        tenant = place.simulate("--seed", 34, "--activities", 1500, "--entities", 90 if "skip" in ignored else 300, "--history", "1d",
                                "--requests-per-minute", 0, name=f"simulate_{ignored[0]}")
        faults = [{"path": f"/api/v1/{feed}", "ignores": ignored} for feed in feeds]
        _, requests, _ = caught_up(place, tenant, feeds, faults)
        expect(sum(requests["paths"].values()) < 150, f"ignoring {ignored} took {requests}")
        stop(tenant.process)
        begin_anew(place)
    return "skip, sort, filters, limit"


def an_inventory_without_skip_and_filters_ends(place):
    """The same page comes whatever is asked for: it is delivered once, it is said, and activities are not held up."""
    tenant = place.simulate("--seed", 35, "--activities", 500, "--entities", 2000, "--rate", 5, "--requests-per-minute", 0)
    out = file_route(place, tenant, feeds=["activities", "entities"])
    tenant.post("/_sim/faults", [{"path": "/api/v1/entities", "ignores": ["skip", "filters", "sort", "limit"], "wrong_has_next": True}])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wait_until("the first page", lambda: len(delivered(out).get("entities", [])) >= 100, 30)
    time.sleep(8)
    requests = requests_of(tenant)["paths"]
    expect(requests["/entities/"] < 30, f"{requests}")
    expect("the same page comes again" in place.log_text("capstan.log"), place.log_text("capstan.log")[-2000:])
    status = place.run("status", "-c", "capstan.yaml", check=0).stdout
    expect("the same page comes again" in status, status)
    wait_until("activities to come", lambda: len(delivered(out).get("activities", [])) >= 530, 30, step=0.5)
    stop(capstan)
    ids = delivered(out)["entities"]
    expect(len(set(ids)) == 100, f"{len(set(ids))} entities, {len(ids)} lines")
    return f"{requests}"


def page_caps_are_learned(place):
    """Caps that are given less by, or refused: everything comes, and status knows the size of a page."""
    seen = []
    for cap in (100, 250, 500, 1000, 5000):
        for refuses in (False, True):
            options = ["--refuse-larger-pages"] if refuses else []
            tenant = place.simulate("--seed", 36, "--activities", 12000, "--entities", 350, "--page-cap", min(cap, 100), "--scan-cap", cap,
                                    "--requests-per-minute", 0, *options, name=f"simulate_{cap}_{refuses}")
            _, requests, _ = caught_up(place, tenant, ["activities", "entities"], [])
            asked = requests["paths"]["/activities/"]
            expect(asked <= 12000 / min(cap, 2500) * 1.3 + 30, f"cap {cap}, {'refused' if refuses else 'less given'}: {requests}")
            seen.append(f"{cap}: {asked}")
            stop(tenant.process)
            begin_anew(place)
    return ", ".join(seen)


def a_wrong_date_stops_nothing(place):
    """An hour, then years ahead, then behind, then one machine of three: new activities come all the time."""
    tenant = place.simulate("--seed", 37, "--activities", 300, "--rate", 4, "--requests-per-minute", 0)
    out = file_route(place, tenant, feeds=["activities", "alerts"])
    year = 365 * 86400
    tenant.post("/_sim/faults", [{"path": "/api/v1/", "date_offset": 3600, "to": 4}, {"path": "/api/v1/", "date_offset": 5 * year, "from": 6, "to": 9},
                                 {"path": "/api/v1/", "date_offset": -5 * year, "from": 11, "to": 14}, {"path": "/api/v1/", "no_date": True, "from": 16, "to": 19},
                                 {"path": "/api/v1/", "date_offset": 3 * year, "from": 20, "every": 3}])
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")
    wait_until("the first records", lambda: delivered(out).get("activities"), 30)
    slowest = 0
    for _ in range(30):
        shown = {line["id"] for line in tenant.truth("activities")}
        begin = time.monotonic()
        wait_until("what was shown to come", lambda: shown <= set(delivered(out).get("activities", [])), 15, step=0.2)
        slowest = max(slowest, time.monotonic() - begin)
        time.sleep(0.5)
    requests = requests_of(tenant)["paths"]
    expect(requests["/activities/"] < 300, f"{requests}")
    stop(capstan)
    return f"the slowest took {slowest:.1f} s; {requests}"


def status_says_when_a_tenant_cannot_be_kept_up_with(place):
    """500 activities a second, of which the budget lets through 250: never at this rate."""
    tenant = place.simulate("--seed", 38, "--activities", 450000, "--history", "15m", "--scan-cap", 25, "--page-cap", 25, "--requests-per-minute", 0)
    file_route(place, tenant, feeds=["activities"], budget=600)
    capstan = place.start([place.capstan, "run", "-c", "capstan.yaml"], "capstan.log")

    def outpaced():
        done = place.run("status", "-c", "capstan.yaml", "--output", "json")
        if done.returncode != 0 or not done.stdout.startswith("{"):
            return None
        feed = json.loads(done.stdout)["sources"][0]["feeds"][0]
        return feed if feed["is_outpaced"] else None

    feed = wait_until("status to say that it is outpaced", outpaced, 60, step=1.0)
    expect(24 <= feed["page_size"] <= 25 and 200 < feed["possible_per_second"] < 260 and 400 < feed["arriving_per_second"] < 600, f"{feed}")
    text = place.run("status", "-c", "capstan.yaml", check=0).stdout
    expect(re.search(r"never catches up at this rate", text), text)
    stop(capstan)
    return f"{feed['arriving_per_second']:.0f} of {feed['possible_per_second']:.0f} a second"


def what_happened_long_before_it_was_saved_arrives(place):
    tenant = place.simulate("--seed", 39, "--activities", 2000, "--old-share", 0.05, "--requests-per-minute", 0)
    out, requests, _ = caught_up(place, tenant, ["activities"], [])
    expect(requests["paths"].get("/archived_activities/", 0) >= 1, f"{requests}")
    return f"{len(delivered(out)['activities'])} activities"


CASES = [lost_pages_come_back, what_is_no_list_is_asked_for_again, blips_hold_nobody, lists_that_ignore_what_is_asked_end,
         an_inventory_without_skip_and_filters_ends, page_caps_are_learned, a_wrong_date_stops_nothing,
         status_says_when_a_tenant_cannot_be_kept_up_with, what_happened_long_before_it_was_saved_arrives]
