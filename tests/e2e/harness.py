"""Starts the shipped binary, the embedded tenant and files around them; ends exactly the processes it started."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request


class Failure(Exception):
    """A promise that did not hold; the text says which."""


class Skip(Exception):
    """A case that cannot run here; the text says why."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, condition, seconds, step=0.05):
    """Polls `condition` until it gives something true, at most `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(step)
    raise Failure(f"waited {seconds} s for {what}")


class Workplace:
    """A temporary directory and the processes of one case."""

    def __init__(self, capstan, keep=False):
        self.capstan = capstan
        self.keep = keep
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="capstan-e2e-"))
        self.processes = []
        self.secrets = {}

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        if not self.keep:
            subprocess.run(["rm", "-rf", str(self.directory)], check=True)

    def environment(self):
        return {**os.environ, **self.secrets}

    def start(self, command, log, **more):
        """Starts a process whose output goes to a log file in the workplace."""
        with open(self.directory / log, "ab") as out:
            process = subprocess.Popen([str(c) for c in command], stdout=more.pop("stdout", out), stderr=out, cwd=self.directory,
                                       env=self.environment(), **more)
        self.processes.append(process)
        return process

    def run(self, *arguments, timeout=120, check=None):
        """Runs capstan to its end; gives the finished process with text output."""
        done = subprocess.run([str(self.capstan), *[str(a) for a in arguments]], capture_output=True, text=True, errors="replace",
                              cwd=self.directory, env=self.environment(), timeout=timeout)
        if check is not None:
            expect(done.returncode == check, f"capstan {' '.join(map(str, arguments))}: expected exit {check}, got {done.returncode}\n"
                                             f"{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done

    def log_text(self, log):
        path = self.directory / log
        return path.read_text(errors="replace") if path.exists() else ""

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def simulate(self, *options, name="simulate"):
        """Starts the embedded tenant and waits for its ready line."""
        process = self.start([self.capstan, "simulate", "--listen", "127.0.0.1:0", *options], f"{name}.log", stdout=subprocess.PIPE)
        line = process.stdout.readline()
        expect(line.startswith(b"{"), f"simulate: expected a JSON line, got {line!r}; {self.log_text(f'{name}.log')[-2000:]}")
        ready = json.loads(line)
        self.secrets.update(CLIENT_SECRET=ready["client_secret"], API_TOKEN=ready["api_token"], FILES_TOKEN=ready["files_token"])
        return Tenant(ready, process)

    def configuration(self, tenant, sinks, routes, feeds=None, source="", tenant_more="", top=""):
        """Writes capstan.yaml for one tenant. `sinks` and `routes` are YAML maps in text, indented by two."""
        feed_list = f"feeds: [{', '.join(feeds)}], " if feeds else ""
        api = f"api: {{listen: '127.0.0.1:{free_port()}'}}\n" if "api:" not in top else ""
        return self.write("capstan.yaml", f"""
data_dir: {self.directory}/state
{api}{top}
tenants:
  contoso:
    api_url: {tenant.ready['api_url']}
    auth: {{method: oauth2, authority: '{tenant.ready['authority']}', tenant_id: '{tenant.ready['tenant_id']}', client_id: '{tenant.ready['client_id']}', client_secret: '${{env:CLIENT_SECRET}}'}}
    files_token: ${{env:FILES_TOKEN}}
    requests_per_minute: 6000
    {tenant_more}
sources:
  mdca: {{type: mdca, tenant: contoso, {feed_list}interval: 1s, backfill: 3d{source}}}
sinks:
{sinks}
routes:
{routes}
""")


class Tenant:
    """A running `capstan simulate`."""

    def __init__(self, ready, process):
        self.ready = ready
        self.process = process
        self.root = ready["api_url"].split("/api")[0].split("/cas")[0].rstrip("/")

    def get(self, path):
        with urllib.request.urlopen(self.root + path, timeout=60) as answer:
            return answer.read()

    def post(self, path, body):
        request = urllib.request.Request(self.root + path, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def truth(self, feed=None):
        """What has become visible so far: a list of the truth's lines, of one feed or all."""
        lines = [json.loads(line) for line in self.get("/_sim/truth").splitlines() if line]
        return [line for line in lines if feed is None or line["feed"] == feed]


def fetch(url, timeout=10):
    """Status and text of a GET, also for statuses that are errors."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def stop(process, how=signal.SIGTERM, seconds=15):
    process.send_signal(how)
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(seconds)
    raise Failure(f"process {process.pid} did not end within {seconds} s of signal {how}")
