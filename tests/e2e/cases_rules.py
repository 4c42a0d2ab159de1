"""Rules and mappings of a whole program: what the previews say is what is sent."""
import json
import re

from harness import expect

MAPPING = """\
format: cef
feeds: [activities]
records:
  - when: eventTypeName has "LOGIN"
    header: {signature: '"LOGIN"', name: description, severity: 5}
    extension:
      externalId: _Id
      suser: first_text(user.userName)
      cs1: {label: app, value: appName}
  - header: {signature: eventTypeName, name: description, severity: 1}
    extension: {externalId: _Id, src: device.clientIP}
"""

OLD = "  siem: {from: mdca, feeds: [activities], query: 'source | where appId != 20893', encode: {format: cef}, to: out}\n"
NEW = ("  siem: {from: mdca, feeds: [activities], query: 'source | where appId != 20893 and appId != 11161 | extend appName = tolower(appName)',"
       " encode: {format: cef}, to: out}\n"
       "  more: {from: mdca, feeds: [activities], encode: json, to: other}\n")


def journaled(place, routes, seed):
    """A tenant whose activities are in the journal and were delivered to a file by these routes."""
    tenant = place.simulate("--seed", seed, "--activities", 2000, "--requests-per-minute", 100000)
    out = place.directory / "out.log"
    sinks = f"  out: {{type: file, path: '{out}'}}\n"
    place.configuration(tenant, sinks, routes, feeds=["activities"])
    place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0)
    return tenant, sinks, out


def preview_says_what_is_sent(place):
    place.write("my.yaml", MAPPING)
    route = ("  siem: {from: mdca, feeds: [activities], query: 'source | where appId != 20893 | project-away device',"
             " encode: {format: cef, mapping: my.yaml}, to: out}\n")
    tenant, _, out = journaled(place, route, 11)
    sent = out.read_text().splitlines()
    shown = [json.loads(line) for line in place.run("preview", "siem", "-c", "capstan.yaml", "--limit", "10000", "--output", "json",
                                                    check=0).stdout.splitlines()]
    messages = [message for line in shown for message in line["messages"]]
    expect(sorted(messages) == sorted(sent), f"{len(messages)} messages in the preview, {len(sent)} sent")
    total = len(tenant.truth("activities"))
    dropped = sum(1 for line in shown if line["fate"] == "dropped")
    expect(len(shown) == total and 0 < dropped < total, f"{len(shown)} of {total} shown, {dropped} dropped")
    expect(not [line for line in sent if "src=" in line], "a member that the rule took away stands in a message")
    expect([line for line in sent if "|LOGIN|" in line and "cs1Label=app" in line], "no line of the mapping's first record")
    text = place.run("preview", "siem", "-c", "capstan.yaml", "--limit", "5", check=0).stdout
    expect("- device:" in text and "dropped by the rule" in text, f"the preview for people says: {text[:300]}")
    return f"{len(sent)} messages as previewed, {dropped} dropped"


def diff_counts_what_changes(place):
    tenant, sinks, out = journaled(place, OLD, 12)
    old = (place.directory / "capstan.yaml").read_text()
    # One file has one writer, so the new route gets a file of its own.
    place.write("new.yaml", old.replace(OLD, NEW).replace(sinks, sinks + f"  other: {{type: file, path: '{out}.other'}}\n"))
    answer = place.run("diff", "capstan.yaml", "new.yaml", "--output", "json", check=0).stdout
    effects = {effect["route"]: effect for effect in json.loads(answer)}
    sent = out.read_text().splitlines()
    o365 = sum(1 for line in sent if "cs2=APPID_O365" in line)
    total = len(tenant.truth("activities"))
    siem, more = effects["siem"], effects["more"]
    expect(siem["dropped"] == o365 and siem["added"] == 0, f"{siem['dropped']} dropped, {o365} expected")
    expect(siem["changed"] == len(sent) - o365, f"{siem['changed']} changed, {len(sent) - o365} expected")
    expect(more["added"] == total == more["events"], f"{more['added']} added by a new route of {total}")
    refused = place.run("diff", "capstan.yaml", "new.yaml", "--max-change", "50", check=1)
    expect("--max-change" in refused.stderr, refused.stderr)
    place.run("diff", "capstan.yaml", "capstan.yaml", "--max-change", "0", check=0)
    place.write("broken.yaml", old.replace("where appId", "where appIdd +"))
    place.run("diff", "capstan.yaml", "broken.yaml", check=78)
    return f"{siem['events']} events: {siem['dropped']} dropped, {siem['changed']} changed"


def query_writes_the_messages_of_a_route(place):
    """What `query --to cef` makes of exported records is what the route sent."""
    _, _, out = journaled(place, OLD, 13)
    place.run("journal", "export", "exported", "-c", "capstan.yaml", check=0)
    written = place.run("query", "source | where appId != 20893", "--feed", "activities", "--to", "cef",
                        "exported/activities.ndjson", check=0)
    without_marks = sorted(line.removesuffix(" act=updated") for line in out.read_text().splitlines())
    expect(sorted(written.stdout.splitlines()) == without_marks, "other lines than the route's")
    return f"{len(without_marks)} lines"



def verify_judges_as_it_was_delivered(place):
    """now() in a rule is when the record was collected, whenever it is asked about."""
    route = "  siem: {from: mdca, feeds: [activities], query: 'source | where timestamp > ago(30d)', encode: {format: cef}, to: out}\n"
    tenant, _, out = journaled(place, route, 14)
    total = len(tenant.truth("activities"))
    expect(len(out.read_text().splitlines()) == total, "the rule keeps everything")
    told = place.run("verify", "-c", "capstan.yaml", check=0).stdout
    expect(re.search(rf"^siem\s+{total:,}\s", told, re.M), told[-800:])
    return f"{total} delivered"


CASES = [preview_says_what_is_sent, diff_counts_what_changes, query_writes_the_messages_of_a_route,
         verify_judges_as_it_was_delivered]
