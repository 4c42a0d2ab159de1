"""Records as no polite service sends them, from the tenant's page to every destination; and `capstan query` over files of them."""
import gzip
import http.server
import json
import random
import subprocess
import sys
import threading
import time

from harness import expect

sys.setrecursionlimit(10_000)  # json.loads goes as deep as a record does

SECRET = "secret-of-the-tests"
NEEDLE = "mimikatz"
HALVES = ["\\ud83d", "\\ude00", "\\udfff\\ud800", "\\uD83D\\uD83D"]


class NastyTenant:
    """Shows one page of activities, as bytes, to whoever asks for that time; knows nothing else."""

    def __init__(self, records, created):
        self.body = b'{"hasNext":false,"total":%d,"data":[' % len(records) + b",".join(records) + b"]}"
        tenant = self

        class Answers(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.answer(tenant.answer(self.path, asked, created))

            def do_GET(self):
                self.answer(tenant.answer(self.path, b"", created))

            def answer(self, body):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.server.daemon_threads = True
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.ready = {"api_url": url, "authority": url, "tenant_id": "0f0a6f0e-6f5d-4f0f-9d6b-2f1f0a3b4c5d", "client_id": "client"}
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path, asked, created):
        if "/oauth2/" in path:
            return json.dumps({"token_type": "Bearer", "expires_in": 3599, "access_token": "token"}).encode()
        filters = json.loads(asked or b"{}").get("filters") or {}
        bounds = filters.get("created") or filters.get("date") or {}
        is_asked_for = "archived" not in path and bounds.get("gte", 0) <= created <= bounds.get("lte", created)
        return self.body if is_asked_for else b'{"hasNext":false,"total":0,"data":[]}'

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def deep(levels):
    return '{"a":' * levels + '"bottom"' + "}" * levels


def nasty_records(now):
    """Good ones by id with the text that is in them, and those that cannot be read."""
    dice = random.Random(20261128)
    good, broken = {}, []

    def activity(number, members):
        return '{"_id":"nasty-%d","timestamp":%d,"created":%d,"eventTypeName":"EVENT_CATEGORY_VIEW_FILE",%s}' % (number, now, now, members)

    texts = [f"{half}{NEEDLE} a{half}b" for half in HALVES] + [f"{NEEDLE}{half}" for half in HALVES] + ["plain", "ende\\u0000 x", "\\ud83d\\ude00"]
    for number, text in enumerate(texts):
        good[f"nasty-{number}"] = (activity(number, f'"description":"{text}","user":{{"userName":"ann{text}"}},"{text}":1').encode(), text)
    number = len(good)
    wide = ",".join(f'"k{i}":{i}' for i in range(20_000))
    for more in (f'"description":"{NEEDLE} huge","rawDataJson":{{"x":1e400,"y":123456789012345678901234567890}}',
                 f'"description":"{NEEDLE} same","":{{"":1}},"same":1,"same":2',
                 f'"description":"{NEEDLE} deep","rawDataJson":{deep(1000)}',
                 f'"description":"{NEEDLE} wide","rawDataJson":{{{wide}}}'):
        good[f"nasty-{number}"] = (activity(number, more).encode(), more.split('"')[3])
        number += 1
    good[f"nasty-{number}"] = (activity(number, f'"description":"{NEEDLE} @"').encode().replace(b"@", b"\xed\xa0\xbd"), f"{NEEDLE} \\ud83d")
    for text in ("{}", "null", "3", '"text"', "[]", "[{}]", "true"):
        broken.append(text.encode())
    for odd in (deep(1100), deep(100_000), "[" * 100_000 + "]" * 100_000, "NaN", "01", '"\\q"', "[1,]", '{"a":1,}'):
        broken.append(activity(number + len(broken) + 1, f'"description":"{NEEDLE}","odd":{odd}').encode())
    broken.append(activity(number + 100, f'"description":"{NEEDLE} @"').encode().replace(b"@", b"\xff"))
    page = [raw for raw, _ in good.values()] + broken
    dice.shuffle(page)
    return page, good, broken


def text_of(written):
    """What a JSON text says, halves of surrogate pairs as U+FFFD."""
    return json.loads(f'"{written}"').encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def nasty_page_arrives_whole(place):
    """All in the journal as they came, all delivered by every format or marked, and counted; a rule sees the texts that are in them."""
    now = int(time.time() * 1000) - 3_600_000
    page, good, broken = nasty_records(now)
    tenant = NastyTenant(page, now)
    place.secrets.update(CLIENT_SECRET=SECRET, FILES_TOKEN="f" * 64)
    formats = {"json": "{format: json}", "envelope": "{format: json, envelope: true}", "cef": "{format: cef}",
               "agent": "{format: cef, profile: siem-agent}", "leef": "{format: leef}"}
    rules = {"needle": f"source | where description has '{NEEDLE}'", "names": "source | project _Id, description, who = tostring(user.userName), user"}
    outs = {name: place.directory / f"{name}.out" for name in (*formats, *rules)}
    sinks = "".join(f"  {name}: {{type: file, path: '{path}'}}\n" for name, path in outs.items())
    routes = "".join(f"  {name}: {{from: mdca, encode: {encode}, to: {name}}}\n" for name, encode in formats.items())
    routes += "".join(f'  {name}: {{from: mdca, query: "{rule}", encode: {{format: json}}, to: {name}}}\n' for name, rule in rules.items())
    place.configuration(tenant, sinks, routes, feeds=["activities"])
    begin = time.monotonic()
    try:
        place.run("run", "-c", "capstan.yaml", "--until-caught-up", check=0, timeout=120)
    finally:
        tenant.close()
    seconds = time.monotonic() - begin
    expect(seconds < 60, f"{seconds:.0f} s for one page")

    journal = subprocess.run([str(place.capstan), "journal", "cat", "-c", "capstan.yaml"], capture_output=True, cwd=place.directory,
                             env=place.environment(), timeout=60).stdout.split(b"\n")[:-1]
    expect(sorted(journal) == sorted(page), f"journal: {len(journal)} records of {len(page)}, or not as they came")
    lines = {name: path.read_bytes().split(b"\n")[:-1] for name, path in outs.items()}
    for name in formats:
        expect(len(lines[name]) == len(page), f"{name}: {len(lines[name])} messages of {len(page)} records")
        for line in lines[name]:
            line.decode("utf-8")
        marked = [line for line in lines[name] if b"QUARANTINED_RECORD" in line or b'"quarantined":true' in line]
        expect(len(marked) == len(broken), f"{name}: {len(marked)} marked of {len(broken)}")
    passed_on = [raw for raw, _ in good.values() if b"\xed\xa0" not in raw]
    expect(set(passed_on) <= set(lines["json"]), "json: a readable record is not byte for byte what came")

    def by_id(name):
        read = [json.loads(line) for line in lines[name]]
        return {r.get("_id") or r.get("_Id"): r for r in read if not r.get("quarantined")}, [r for r in read if r.get("quarantined")]

    wanted = {key for key, (_, text) in good.items() if NEEDLE in text}
    kept, marked = by_id("needle")
    expect(set(kept) == wanted, f"a rule on the text: missing {wanted - set(kept)}, too many {set(kept) - wanted}")
    expect(len(marked) == len(broken), f"a rule dropped {len(broken) - len(marked)} records that it could not read")
    named, _ = by_id("names")
    for key, (_, written) in good.items():
        expect(named[key]["description"] == text_of(written), f"{key}: {named[key]['description']!r} is not {text_of(written)!r}")
        if named[key]["user"]:
            expect(named[key]["who"] == "ann" + text_of(written) == named[key]["user"]["userName"], f"{key}: {named[key]}")
    for name in ("cef", "leef"):
        for key, (_, written) in good.items():
            # Blanks at the end are cut, controls become blanks.
            text = text_of(written).replace("\0", " ").strip()
            expect(any(f"msg={text}".encode() in line and key.encode() in line for line in lines[name]), f"{name}: no message says {text!r}")
    return f"{len(page)} records, {len(broken)} of them marked, to {len(outs)} routes in {seconds:.1f} s"


def ask(place, query, data, *options):
    done = subprocess.run([str(place.capstan), "query", query, *options], input=data, capture_output=True, timeout=60)
    return done.returncode, done.stdout.split(b"\n")[:-1], done.stderr.decode()


def query_reads_all_or_says_where(place):
    """Whatever is cut out of a file of records: the rows and what is told add up."""
    dice = random.Random(7)
    records = [json.dumps({"n": i, "s": "x\ud83d{}[],\n" * (i % 4)}, indent=2 if i % 5 == 0 else None).encode() for i in range(200)]
    broken = [b'{"n":NaN}', b'{"n":01}', b'{"n":"\\q"}', b"{'n':1}", b'{"n":1,}', b"garbage", b"null", b'{"n":"\xff"}', b"}", b'{"n":[1,2}']
    for round_number in range(30):
        chosen = [(dice.choice(records), True) if dice.random() < 0.8 else (dice.choice(broken), False) for _ in range(dice.randrange(60))]
        data = b"".join((b"" if good else b"\n") + piece + (dice.choice([b"\n", b"", b"\r\n", b"  "]) if good else b"\n") for piece, good in chosen)
        wanted, bad = sum(good for _, good in chosen), sum(not good for _, good in chosen)
        code, rows, said = ask(place, "source | project n", gzip.compress(data) if round_number % 2 else data, "--from", "json")
        expect(len(rows) == wanted, f"round {round_number}: {len(rows)} rows of {wanted} records: {said}")
        expect(code == (1 if bad else 0), f"round {round_number}: exit code {code} with {bad} broken pieces: {said}")
        expect(not bad or f"{wanted} record{'' if wanted == 1 else 's'} read, {bad} could not be read" in said, f"round {round_number}: {said}")
    whole = gzip.compress(b"\n".join(r for r in records))
    for size in range(5, len(whole), 11):
        code, rows, said = ask(place, "source | project n", whole[:size])
        expect(code == 1 and "could not be read" in said, f"a gzip file cut at byte {size} of {len(whole)}: exit code {code}: {said}")
    for data in (b"", b"\n", b'{"n":1}\n{"n":2}\n', b"garbage"):
        code, rows, said = ask(place, "print x = 1", data)
        expect((code, rows, said) == (0, [b'{"x":1}'], ""), f"print over {data!r}: {code} {rows} {said}")
    return f"30 mixtures, {len(range(5, len(whole), 11))} cuts"


CASES = [nasty_page_arrives_whole, query_reads_all_or_says_where]
