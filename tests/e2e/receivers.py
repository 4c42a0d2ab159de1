"""Real receivers, each in a directory of its own, writing what arrives to a file: rsyslog and syslog-ng."""
import pathlib
import re
import signal
import socket
import subprocess

from harness import Skip, expect, free_port, stop, wait_until

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SYSLOG_NG = REPOSITORY / "build" / "peers" / "syslog-ng"
EXTERNAL_ID = re.compile(rb"externalId=(\S+)")


def make_certificate(directory):
    """A self-signed certificate for 127.0.0.1: its own CA."""
    key, certificate = directory / "receiver.key", directory / "receiver.pem"
    if not certificate.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return key, certificate


class Receiver:
    """One receiver program on one port. `transport`: lf, octet, tls, udp."""

    def __init__(self, workplace, name, transport):
        self.workplace, self.name, self.transport = workplace, name, transport
        self.port = free_port(socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
        self.directory = workplace.directory / name
        self.directory.mkdir()
        self.file = self.directory / "received.log"
        self.file.touch()
        self.process = None

    def start(self):
        self.process = self.workplace.start(self.command(), f"{self.name}.log")
        if self.transport == "udp":
            wait_until(f"{self.name} to listen", lambda: self.listens_udp(), 15)
        else:
            wait_until(f"{self.name} to listen on {self.port}", lambda: self.accepts(), 15)

    def accepts(self):
        expect(self.process.poll() is None, f"{self.name} ended: {self.workplace.log_text(self.name + '.log')[-2000:]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def listens_udp(self):
        needle = f"0100007F:{self.port:04X}"
        return needle in pathlib.Path("/proc/net/udp").read_text()

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()

    def stop(self, how=signal.SIGTERM):
        stop(self.process, how)

    def ids(self):
        """Every externalId in the received file, in order, repeats included."""
        return [match.group(1).decode() for match in EXTERNAL_ID.finditer(self.file.read_bytes())]

    def sink(self):
        """The sink's YAML for this receiver."""
        address = f"address: '127.0.0.1:{self.port}'"
        framing = {"lf": "transport: tcp, framing: lf", "octet": "transport: tcp, framing: octet_counting",
                   "tls": f"transport: tls, tls: {{ca_file: '{self.directory}/receiver.pem'}}", # Many events in a short time: faster than the default lets a receiver with a small buffer have them.
                   "udp": "transport: udp, max_rate: 5000, burst: 200"}[self.transport]
        return f"  {self.name}: {{type: syslog, {address}, {framing}}}\n"


class Rsyslog(Receiver):
    def command(self):
        if not pathlib.Path("/usr/sbin/rsyslogd").exists():
            raise Skip("rsyslogd is not installed")
        tls = ""
        options = ""
        if self.transport == "tls":
            key, certificate = make_certificate(self.directory)
            tls = (f'global(DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="{certificate}" '
                   f'DefaultNetstreamDriverCertFile="{certificate}" DefaultNetstreamDriverKeyFile="{key}")\n')
            options = 'StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"'
        module = "imudp" if self.transport == "udp" else "imtcp"
        more = '' if self.transport == "udp" else f'module(load="imtcp" {options})'
        load = 'module(load="imudp")' if self.transport == "udp" else more
        rcvbuf = 'rcvbufSize="8m"' if self.transport == "udp" else ""
        (self.directory / "rsyslog.conf").write_text(f"""
global(workDirectory="{self.directory}" maxMessageSize="256k")
{tls}
{load}
template(name="as_it_came" type="string" string="%rawmsg%\\n")
input(type="{module}" address="127.0.0.1" port="{self.port}" {rcvbuf} ruleset="all")
ruleset(name="all" queue.type="FixedArray" queue.size="200000") {{
  action(type="omfile" file="{self.file}" template="as_it_came" ioBufferSize="64k" flushOnTXEnd="on")
}}
""")
        return ["/usr/sbin/rsyslogd", "-n", "-f", self.directory / "rsyslog.conf", "-i", self.directory / "rsyslog.pid"]


class SyslogNg(Receiver):
    def command(self):
        program = SYSLOG_NG / "usr/sbin/syslog-ng"
        if not program.exists():
            raise Skip("syslog-ng could not be had (tools/fetch-syslog-ng)")
        source = {
            "lf": f'network(ip("127.0.0.1") port({self.port}) transport("tcp") flags(no-parse, store-raw-message))',
            "octet": f'syslog(ip("127.0.0.1") port({self.port}) transport("tcp") flags(no-parse, store-raw-message))',
            "udp": f'network(ip("127.0.0.1") port({self.port}) transport("udp") flags(no-parse, store-raw-message) so-rcvbuf(8388608))',
            "tls": "",
        }[self.transport]
        if self.transport == "tls":
            key, certificate = make_certificate(self.directory)
            source = (f'syslog(ip("127.0.0.1") port({self.port}) transport("tls") flags(no-parse, store-raw-message) '
                      f'tls(key-file("{key}") cert-file("{certificate}") peer-verify(optional-untrusted)))')
        (self.directory / "syslog-ng.conf").write_text(f"""@version: 3.38
options {{ log-msg-size(262144); stats-freq(0); use-dns(no); dns-cache(no); flush-lines(100); }};
source incoming {{ {source}; }};
destination received {{ file("{self.file}" template("${{RAWMSG}}\\n")); }};
log {{ source(incoming); destination(received); flags(flow-control); }};
""")
        libraries = [str(p) for p in (SYSLOG_NG / "usr/lib/x86_64-linux-gnu", SYSLOG_NG / "usr/lib/syslog-ng", SYSLOG_NG / "lib/x86_64-linux-gnu")]
        module_path = next((str(p) for p in SYSLOG_NG.glob("usr/lib/syslog-ng/*") if p.is_dir()), libraries[1])
        return ["env", f"LD_LIBRARY_PATH={':'.join(libraries)}", program, "-F", "--no-caps", f"--module-path={module_path}",
                "-f", self.directory / "syslog-ng.conf", "-R", self.directory / "persist", "-p", self.directory / "pid",
                "-c", self.directory / "control"]
