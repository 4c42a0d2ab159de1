"""Corners of the machine: two owners of one file, full disks, logs that nobody reads, closed descriptors, limits, name
servers that hang, directories that are taken away and given back. Each holds, goes on and stops in time."""
import collections
import contextlib
import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import time

from harness import Skip, expect, free_port, stop, wait_until

FEEDS = ["activities", "alerts"]
F_SETPIPE_SZ = 1031


def configure(place, tenant, sinks, routes, name="capstan.yaml", data="state", top=""):
    """One of several configurations in a workplace."""
    place.configuration(tenant, sinks, routes, feeds=FEEDS, top=top)
    text = (place.directory / "capstan.yaml").read_text().replace(f"data_dir: {place.directory}/state", f"data_dir: {place.directory}/{data}")
    return place.write(name, text)


def file_sink(path, more=""):
    return f"  out: {{type: file, path: '{path}'{more}}}\n"


ROUTE = "  all: {from: mdca, encode: {format: json, envelope: true}, to: out}\n"


def lines_of(path):
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def ids_of(lines):
    return [json.loads(line)["id"] for line in lines if line.startswith("{")]


def shown_by(tenant):
    return {(line["feed"], line["id"]) for line in tenant.truth() if line["feed"] in FEEDS}


def catch_up(place, tenant, name="capstan.yaml"):
    """Delivers everything that there is now; gives what the tenant had shown before."""
    shown = shown_by(tenant)
    place.run("run", "-c", name, "--until-caught-up", check=0)
    return shown


def status(place, name="capstan.yaml"):
    done = place.run("status", "-c", name, "--output", "json")
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout.startswith("{") else {}


def route_state(place, route, name="capstan.yaml"):
    for one in status(place, name).get("routes", []):
        if one["name"] == route:
            return one
    return {}


def run(place, log="capstan.log", name="capstan.yaml", before=(), **more):
    return place.start([*before, place.capstan, "run", "-c", name], log, **more)


def expect_alive(process, text):
    expect(process.poll() is None, f"{text}: ended with {process.returncode}")


def feed_and_id(line):
    record = json.loads(line)
    return record["feed"], record["id"]


def expect_each_once(shown, lines, what):
    """What the tenant showed stands there, once; lines that are not JSON are nobody's."""
    torn = [line for line in lines if line and not line.startswith("{")]
    expect(not torn, f"{what}: torn lines {torn[:2]}")
    got = collections.Counter((json.loads(line)["feed"], json.loads(line)["id"], json.loads(line)["kind"], line) for line in lines if line)
    missing = shown - {(feed, id_) for feed, id_, _, _ in got}
    expect(not missing, f"{what}: {len(missing)} of {len(shown)} are missing, such as {sorted(missing)[:2]}")
    doubled = [key[:2] for key, times in got.items() if times > 1]
    expect(not doubled, f"{what}: {len(doubled)} lines stand twice, such as {doubled[:2]}")


@contextlib.contextmanager
def mounted(*arguments):
    """A mount for the time of a block; Skip where that is not allowed."""
    target = arguments[-1]
    os.makedirs(target, exist_ok=True)
    if os.geteuid() != 0 or subprocess.run(["mount", *map(str, arguments)], capture_output=True).returncode != 0:
        raise Skip("mounting needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(target)], capture_output=True)


def fill(directory):
    """Takes the last byte of a disk."""
    with contextlib.suppress(OSError), open(directory / "filler", "ab", buffering=0) as filler:
        while filler.write(b"\0" * 1024):
            pass


def closed_descriptors(place):
    """None of 0 to 2 becomes an inner file, and what goes to a closed standard output is not called delivered."""
    tenant = place.simulate("--activities", 200, "--alerts", 5, "--requests-per-minute", 100000)
    for closed in ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"):
        out = place.directory / f"out{len(closed)}{closed[0]}.ndjson"
        data = f"state{closed[0]}{len(closed)}"
        configure(place, tenant, file_sink(out) + "  s: {type: stdout}\n", ROUTE + "  said: {from: mdca, encode: {format: cef}, to: s}\n", data=data)
        capstan = run(place, before=["/bin/sh", "-c", f'exec "$0" "$@" {closed}'])
        wait_until(f"{closed}: the file route to deliver", lambda: len(lines_of(out)) >= 205, 20)
        expect_alive(capstan, closed)
        for descriptor in range(3):
            target = os.readlink(f"/proc/{capstan.pid}/fd/{descriptor}")
            inner = data in target or "socket" in target or "anon_inode" in target
            expect(not inner, f"{closed}: descriptor {descriptor} is {target}")
        if "1>&-" in closed:
            said = wait_until("the stdout route to be held", lambda: (r := route_state(place, "said")).get("state") == "held" and r, 20)
            expect(said["delivered"] == 0, f"{closed}: {said['delivered']} events counted as delivered to a closed output")
        stop(capstan)
    done = subprocess.run(["/bin/sh", "-c", f"'{place.capstan}' version >/dev/full"], capture_output=True, text=True)
    expect(done.returncode == 1 and "E3007" in done.stderr, f"version >/dev/full: exit {done.returncode}, {done.stderr}")
    return ""


def log_that_nobody_reads(place):
    tenant = place.simulate("--activities", 300, "--alerts", 5, "--rate", 20, "--requests-per-minute", 100000)
    out = place.directory / "out.ndjson"
    sinks = file_sink(out) + f"  dead: {{type: syslog, address: '127.0.0.1:{free_port()}', transport: tcp}}\n"
    configure(place, tenant, sinks, ROUTE + "  lost: {from: mdca, encode: {format: cef}, to: dead}\n", top="log: {level: debug}\n")
    for how in ("never read", "closed"):
        read_end, write_end = os.pipe()
        fcntl.fcntl(write_end, F_SETPIPE_SZ, 4096)
        capstan = subprocess.Popen([str(place.capstan), "run", "-c", "capstan.yaml"], stdout=subprocess.DEVNULL, stderr=write_end,
                                   cwd=place.directory, env=place.environment())
        place.processes.append(capstan)
        os.close(write_end)
        before = len(lines_of(out))
        wait_until("the first lines", lambda: len(lines_of(out)) > before, 20)
        if how == "closed":
            os.close(read_end)
        for _ in range(40):
            capstan.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        before = len(lines_of(out))
        wait_until(f"{how}: delivery to go on", lambda: len(lines_of(out)) > before + 10, 30)
        begin = time.monotonic()
        expect(stop(capstan, seconds=10) == 0, f"{how}: exit {capstan.returncode}")
        took = time.monotonic() - begin
        expect(took < 10, f"{how}: stopping took {took:.1f} s")
        if how == "never read":
            os.close(read_end)
    return ""


def hanging_name_server(place):
    """A name server that swallows questions costs neither the stop nor other routes anything."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skip("a name server of its own needs root and a mount namespace")
    try:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.1.53", 53))
    except OSError as error:
        raise Skip(f"no port 53: {error}")
    with server:
        place.write("resolv.conf", "nameserver 127.0.1.53\nsearch a.example\n")
        tenant = place.simulate("--activities", 300, "--rate", 5, "--requests-per-minute", 100000)
        out = place.directory / "out.ndjson"
        sinks = file_sink(out)
        routes = ROUTE
        for transport in ("tls", "tcp", "udp"):
            sinks += f"  {transport}: {{type: syslog, address: 'siem.{transport}.corp:6514', transport: {transport}}}\n"
            routes += f"  to_{transport}: {{from: mdca, encode: {{format: cef}}, to: {transport}}}\n"
        configure(place, tenant, sinks, routes)
        text = (place.directory / "capstan.yaml").read_text()
        # A tenant behind a name that does not come either.
        dead = text[text.index("  contoso:"):text.index("sources:")].replace("contoso:", "fabrikam:")
        dead = dead.replace(tenant.ready["api_url"], "https://fabrikam.portal.corp/api")
        text = text.replace("sources:\n", dead + "sources:\n  other: {type: mdca, tenant: fabrikam, interval: 1s}\n")
        text = text.replace("{from: mdca, encode: {format: json", "{from: [mdca, other], encode: {format: json")
        place.write("capstan.yaml", text)
        capstan = run(place, before=["unshare", "-m", "sh", "-c", f'mount --bind {place.directory}/resolv.conf /etc/resolv.conf && exec "$0" "$@"'])
        wait_until("the file route to deliver", lambda: len(lines_of(out)) >= 300, 30)
        time.sleep(1)
        begin = time.monotonic()
        place.write("capstan.yaml", text.replace("siem.tls.corp", "other.tls.corp"))
        done = place.run("reload", "-c", "capstan.yaml", timeout=60)
        reloaded = time.monotonic() - begin
        expect(done.returncode == 0, f"reload: exit {done.returncode}: {done.stdout}{done.stderr}")
        begin = time.monotonic()
        expect(stop(capstan, seconds=10) == 0, f"exit {capstan.returncode}")
        took = time.monotonic() - begin
        expect(took < 5, f"stopping took {took:.1f} s while the name server hung")
    return f"reload {reloaded:.1f} s, stop {took:.1f} s"


def full_disk(place):
    """data_dir on a disk without one free byte: at work, at stop, at start."""
    disk = place.directory / "disk"
    with mounted("-t", "tmpfs", "-o", "size=30m", "tmpfs", disk):
        tenant = place.simulate("--activities", 1500, "--alerts", 5, "--rate", 50, "--requests-per-minute", 100000)
        out = place.directory / "out.ndjson"
        configure(place, tenant, file_sink(out), ROUTE, data="disk/state", top="journal: {reserve: 64KiB, segment_size: 1MiB}\n")
        capstan = run(place)
        wait_until("the first lines", lambda: len(lines_of(out)) > 200, 30)
        fill(disk)
        time.sleep(4)
        expect_alive(capstan, "while the disk is full")
        (disk / "filler").unlink()
        before = len(lines_of(out))
        wait_until("it to go on when there is room", lambda: len(lines_of(out)) > before + 20, 60)
        fill(disk)
        time.sleep(1)
        expect(stop(capstan, seconds=20) == 0, f"stopping on a full disk: exit {capstan.returncode}")
        for attempt in ("with what was there", "killed"):
            fill(disk)
            capstan = run(place, "full.log")
            time.sleep(3)
            expect_alive(capstan, f"started on a full disk ({attempt})")
            (disk / "filler").unlink()
            before = len(lines_of(out))
            wait_until(f"it to begin when there is room ({attempt})", lambda: len(lines_of(out)) > before + 20, 60)
            wait_until("the API", lambda: status(place), 10)
            if attempt == "killed":
                stop(capstan)
            else:
                stop(capstan, signal.SIGKILL)
        shown = catch_up(place, tenant)
        expect_each_once(shown, lines_of(out), "after full disks and a kill")
        # Every file of data_dir at its first use.
        subprocess.run(["rm", "-rf", str(disk / "state")], check=True)
        first_lines = len(lines_of(out))
        out = place.directory / "fresh.ndjson"
        configure(place, tenant, file_sink(out), ROUTE, data="disk/state", top="journal: {reserve: 64KiB, segment_size: 1MiB}\n")
        fill(disk)
        capstan = run(place, "fresh.log")
        time.sleep(3)
        expect_alive(capstan, "started for the first time on a full disk")
        expect("E4001" in place.log_text("fresh.log"), place.log_text("fresh.log")[-500:])
        begin = time.monotonic()
        expect(stop(capstan, seconds=10) == 0, f"stopped while it waits for room: exit {capstan.returncode}")
        took = time.monotonic() - begin
        expect(took < 5, f"stopping took {took:.1f} s while it waited for room")
        capstan = run(place, "fresh.log")
        (disk / "filler").unlink()
        wait_until("it to begin when there is room (first time)", lambda: len(lines_of(out)) > 1000, 60)
        stop(capstan)
        expect_each_once(catch_up(place, tenant), lines_of(out), "after a first start on a full disk")
    return f"{first_lines} and {len(lines_of(out))} lines"


def file_size_limit(place):
    """SIGXFSZ does not end the process; every file that reaches the limit is tried again."""
    tenant = place.simulate("--activities", 2000, "--alerts", 5, "--requests-per-minute", 100000)
    out = place.directory / "out.ndjson"
    for size, data in ((200_000, "state"), (20_000, "small")):
        out.unlink(missing_ok=True)
        configure(place, tenant, file_sink(out), ROUTE, data=data)
        capstan = run(place, before=["prlimit", f"--fsize={size}:unlimited"])
        time.sleep(4)
        expect_alive(capstan, f"limit of {size} bytes")
        subprocess.run(["prlimit", "--pid", str(capstan.pid), "--fsize=unlimited"], check=True)
        wait_until(f"it to go on without the limit of {size}", lambda: len(set(lines_of(out))) >= 2005, 60, step=0.5)
        stop(capstan)
        expect_each_once(shown_by(tenant), lines_of(out), f"limit of {size} bytes")
    return ""


def two_processes_one_file(place):
    """The second is refused by name, takes the file when the first is gone, and nothing is lost, doubled or torn while
    both are killed again and again and somebody else appends too."""
    tenants = [place.simulate("--seed", n, "--activities", 400, "--alerts", 3, "--rate", 20, "--requests-per-minute", 100000, name=f"sim{n}")
               for n in (1, 2)]
    (place.directory / "real").mkdir()
    out = place.directory / "real" / "shared.ndjson"
    (place.directory / "link").symlink_to("real")
    secrets = []
    for number, tenant in enumerate(tenants):
        path = out if number == 0 else place.directory / "link" / ".." / "link" / "shared.ndjson"
        place.secrets["CLIENT_SECRET"] = tenant.ready["client_secret"]
        configure(place, tenant, file_sink(path, ", rotate_bytes: 200KiB"), ROUTE, name=f"{number}.yaml", data=f"state{number}")
        secrets.append(dict(place.secrets))

    def begin(number):
        place.secrets = secrets[number]
        return run(place, f"run{number}.log", f"{number}.yaml")

    def state(number):
        return route_state(place, "all", f"{number}.yaml")

    first = begin(0)
    wait_until("the first to deliver", lambda: len(lines_of(out)) > 50, 30)
    second = begin(1)
    held = wait_until("the second to be held", lambda: (r := state(1)).get("state") == "held" and r, 20)
    expect("E3020" in held["last_error"] and f"process {first.pid} (" in held["last_error"] and "shared.ndjson" in held["last_error"], held["last_error"])
    expect(held["delivered"] == 0, f"the second says {held['delivered']} delivered")
    stop(first)
    wait_until("the second to take the file", lambda: state(1).get("delivered", 0) > 50, 60)
    stop(second)

    chance = random.Random(7)
    theirs = []
    for _ in range(14):
        number = chance.randrange(2)
        process = begin(number)
        for _ in range(chance.randrange(1, 4)):
            time.sleep(chance.uniform(0.1, 0.6))
            if lines_of(out)[-1:] and not out.read_bytes().endswith(b"\n"):
                continue  # a torn line is ours to mend; a line behind it would be glued to it
            theirs.append(f"theirs {len(theirs)}")
            with open(out, "a") as file:
                file.write(theirs[-1] + "\n")
        stop(process, signal.SIGKILL if chance.random() < 0.8 else signal.SIGTERM)
    shown = []
    for number in (0, 1):
        place.secrets = secrets[number]
        shown.append(catch_up(place, tenants[number], f"{number}.yaml"))
    lines = [line for path in out.parent.iterdir() for line in lines_of(path)]
    for line in theirs:
        expect(lines.count(line) == 1, f"{line} stands there {lines.count(line)} times")
    ours = [line for line in lines if not line.startswith("theirs")]
    expect(len(ours) == len(set(ours)), f"{len(ours) - len(set(ours))} lines stand twice")
    torn = [line for line in ours if not line.startswith("{") or not line.endswith("}")]
    expect(not torn, f"torn lines: {torn[:2]}")
    for number in (0, 1):
        missing = {id_ for _, id_ in shown[number]} - set(ids_of(ours))
        expect(not missing, f"{len(missing)} of process {number} are missing")
    return f"{len(ours)} lines of two processes, {len(theirs)} of somebody else"


def two_routes_one_file(place):
    """Refused by identity when it is planned: check, run and reload."""
    tenant = place.simulate("--activities", 50, "--requests-per-minute", 100000)
    out = place.directory / "out.ndjson"
    configure(place, tenant, file_sink(out), ROUTE)
    capstan = run(place)
    wait_until("the file", lambda: len(lines_of(out)) >= 50, 20)
    (place.directory / "link").symlink_to("out.ndjson")
    (place.directory / "there").symlink_to(".")
    os.link(out, place.directory / "hard")
    (place.directory / "to_nothing").symlink_to("new.ndjson")
    pairs = [("link", "out.ndjson"), ("hard", "out.ndjson"), ("there/out.ndjson", "out.ndjson"), ("no/../out.ndjson", "out.ndjson"),
             ("to_nothing", "new.ndjson"), ("there/deep/new", "deep/new"), ("hard", "link")]
    for one, other in pairs:
        sinks = "".join(f"  {name}: {{type: file, path: '{place.directory}/{path}'}}\n" for name, path in (("a", one), ("b", other)))
        place.configuration(tenant, sinks, "".join(f"  to_{n}: {{from: mdca, encode: {{format: json}}, to: {n}}}\n" for n in "ab"), feeds=FEEDS)
        for command in (["check"], ["run"], ["reload"]):
            done = place.run(*command, "-c", "capstan.yaml", timeout=30)
            said = done.stdout + done.stderr
            expect(done.returncode in (1, 78) and "E1010" in said and "route to_a" in said and other in said,
                   f"{command[0]} with {one} and {other}: exit {done.returncode}: {said}")
    expect_alive(capstan, "the one that runs")
    stop(capstan)
    return f"{len(pairs)} pairs of names"


def lock_file_removed(place):
    """data_dir belongs to one process, whatever is removed in it and whatever it is called."""
    tenant = place.simulate("--activities", 50, "--requests-per-minute", 100000)
    out = place.directory / "out.ndjson"
    configure(place, tenant, file_sink(out), ROUTE)
    capstan = run(place)
    wait_until("the file", lambda: len(lines_of(out)) >= 50, 20)
    for path in (place.directory / "state").iterdir():
        if path.name in ("lock", "admin.json"):
            path.unlink()
    (place.directory / "alias").symlink_to("state")
    for data in ("state", "alias", "state/../state/."):
        configure(place, tenant, file_sink(place.directory / "other.ndjson"), ROUTE, name="other.yaml", data=data)
        done = place.run("run", "-c", "other.yaml", "--until-caught-up", timeout=30)
        expect(done.returncode == 1 and "E1013" in done.stderr and f"process {capstan.pid} (" in done.stderr,
               f"{data}: exit {done.returncode}: {done.stderr}")
    stop(capstan)
    return ""


def rotation_through_a_link(place):
    big = place.directory / "big"
    var = place.directory / "var"
    big.mkdir()
    var.mkdir()
    (var / "events.ndjson").symlink_to(big / "events.ndjson")
    tenant = place.simulate("--activities", 300, "--alerts", 5, "--rate", 50, "--requests-per-minute", 100000)
    configure(place, tenant, file_sink(var / "events.ndjson", ", rotate_bytes: 40KiB, compression: gzip, keep: 2"),
              ROUTE.replace("to: out", "to: out, batch: {max_bytes: 4KiB}"))
    capstan = run(place)
    wait_until("two packed files", lambda: len(list(big.glob("*.gz"))) >= 2, 30)
    stop(capstan)
    expect([p.name for p in var.iterdir()] == ["events.ndjson"] and (var / "events.ndjson").is_symlink(), f"{list(var.iterdir())}")
    kept = sorted(p.name for p in big.iterdir())
    expect(len([n for n in kept if n.endswith(".gz")]) == 2 and "events.ndjson" in kept, f"{kept}")
    return f"{kept}"


def directories_taken_away(place):
    """The output directory moved away and back, removed; data_dir moved away and back. No line is lost or doubled."""
    tenant = place.simulate("--activities", 200, "--alerts", 3, "--rate", 20, "--requests-per-minute", 100000)
    directory = place.directory / "logs"
    out = directory / "out.ndjson"
    configure(place, tenant, file_sink(out), ROUTE, top="journal: {segment_size: 1MiB}\n")
    capstan = run(place)
    wait_until("the first lines", lambda: len(lines_of(out)) >= 200, 30)
    directory.rename(place.directory / "away")
    held = wait_until("the route to be held", lambda: (r := route_state(place, "all")).get("state") == "held" and r, 30)
    expect("E3021" in held["last_error"] and "moved away" in held["last_error"], held["last_error"])
    expect(not directory.exists(), "the directory was made anew while it was away")
    (place.directory / "away").rename(directory)
    before = len(lines_of(out))
    wait_until("delivery to go on", lambda: len(lines_of(out)) > before + 20, 60)

    state = place.directory / "state"
    state.rename(place.directory / "state.away")
    wait_until("it to be said that data_dir is away", lambda: "E4022" in place.log_text("capstan.log"), 30)
    time.sleep(3)
    expect_alive(capstan, "without data_dir")
    expect(not state.exists(), f"data_dir was made anew while it was away: {list(state.rglob('*')) if state.exists() else ''}")
    (place.directory / "state.away").rename(state)
    before = len(lines_of(out))
    wait_until("collecting to go on", lambda: len(lines_of(out)) > before + 20, 60)
    expect_alive(capstan, "with data_dir again")
    expect("damaged" not in place.log_text("capstan.log"), "what was away was taken for damaged")
    kept = lines_of(out)
    with open(out) as reader:  # also what comes between this and the removal
        subprocess.run(["rm", "-r", str(directory)], check=True)
        removed = reader.read().splitlines()
    wait_until("the directory to be made again", lambda: len(lines_of(out)) > 20, 60)
    expect(stop(capstan) == 0, f"exit {capstan.returncode}")
    shown = catch_up(place, tenant)
    after = lines_of(out)
    expect_each_once(shown - set(map(feed_and_id, removed)), after, "in the directory that was made again")
    expect_each_once(set(), kept + after, "in both")
    return f"{len(kept)} lines, then {len(after)}"


def output_unmounted(place):
    """Nothing is written under a mount point while its disk is away."""
    disk = place.directory / "disk"
    logs = place.directory / "logs"
    disk.mkdir()
    with mounted("--bind", disk, logs):
        tenant = place.simulate("--activities", 200, "--alerts", 3, "--rate", 20, "--requests-per-minute", 100000)
        configure(place, tenant, file_sink(logs / "deep" / "out.ndjson"), ROUTE)
        capstan = run(place)
        out = disk / "deep" / "out.ndjson"
        wait_until("the first lines", lambda: len(lines_of(out)) >= 200, 30)
        subprocess.run(["umount", "-l", str(logs)], check=True)
        held = wait_until("the route to be held", lambda: (r := route_state(place, "all")).get("state") == "held" and r, 30)
        expect("E3021" in held["last_error"] and "not mounted" in held["last_error"], held["last_error"])
        expect(not list(logs.iterdir()), f"written under the mount point: {list(logs.iterdir())}")
        subprocess.run(["mount", "--bind", str(disk), str(logs)], check=True)
        before = len(lines_of(out))
        wait_until("delivery to go on", lambda: len(lines_of(out)) > before + 20, 60)
        stop(capstan)
        expect_each_once(catch_up(place, tenant), lines_of(out), "on the disk")
    return f"{len(lines_of(out))} lines"


CASES = [closed_descriptors, log_that_nobody_reads, hanging_name_server, full_disk, file_size_limit, two_processes_one_file, two_routes_one_file,
         lock_file_removed, rotation_through_a_link, directories_taken_away, output_unmounted]
