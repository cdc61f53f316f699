"""Every command of `ltp` in environments that are wrong: a sentence, with `--json` a document, never a traceback.

    python -m tests.faults.cli_environments

tries them all, some 300 processes; exits with 1 unless each said what is wrong. The suite tries some of each.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":  # under pytest the tests' own modules are found already
    sys.path.append(str(Path(__file__).parents[1]))

from support.cli_process import NOWHERE, Done, environment
from support.forked_cli import CLOSED, UNREAD, ForkedCli, forked_cli

JOB = "0199f3c4-3b1d-7a52-8e0b-4d2c1b0a9f55"
ELSEWHERE = "http://127.0.0.2:9"
"""Nobody answers there, and it is none of the addresses that no proxy stands before."""
EXITS = {0, 1, 2, 3}
"""3 is that of `ltp data check` where there is something to know of a file."""
LONGEST = 12
"""Lines of standard error; a traceback is longer."""


def arguments(folder: Path, port: int) -> dict[str, list[str]]:
    """What makes each command begin its work; those that serve find their port taken."""
    pairs, corpus = str(folder / "pairs.tsv"), str(folder / "corpus.txt")
    return {
        "ticket create": ["--corpus", corpus, "--json"],
        "ticket list": ["--json"],
        "ticket show": ["latest", "--json"],
        "ticket share": ["latest", "--json"],
        "ticket delete": ["latest", "--json"],
        "drift list": ["--json"],
        "drift delete": [JOB, "--json"],
        "adapter train": [pairs, "--lang", "en", "--json"],
        "adapter compose": ["en", "--lang", "en", "--json"],
        "adapter list": ["--json"],
        "adapter show": ["en", "--json"],
        "adapter report": ["en", "-o", str(folder / "en.html"), "--json"],
        "adapter promote": ["en", "--json"],
        "adapter demote": ["en", "--json"],
        "adapter delete": ["en@1", "--json"],
        "adapter answers": ["en", "--json"],
        "adapter push": ["en", "me/model", "--json"],
        "adapter export": ["en", "-o", str(folder / "en.safetensors"), "--json"],
        "adapter import": [pairs, "--json"],
        "language adapt": ["en", corpus, "--json"],
        "language list": ["--json"],
        "blobs show": ["--json"],
        "blobs move": ["--to", "database", "--json"],
        "blobs orphans": ["--json"],
        "predict": ["--adapter", "en", "A dog runs.", "It moves.", "--json"],
        "data check": [pairs, "--json"],
        "data next": [pairs, "--adapter", "en", "--json"],
        "adapter compare": ["en@1", "en@2", pairs, "--json"],
        "evaluate": [pairs, "--adapter", "en", "--json"],
        "reproduce": ["table1", "--data", str(folder), "-o", str(folder / "report"), "--backbone", "nobodys", "--json"],
        "starter build": ["--data", str(folder), "-o", str(folder / "starter"), "--backbone", "nobodys", "--json"],
        "job list": ["--json"],
        "job show": [JOB, "--json"],
        "job watch": [JOB, "--json"],
        "job cancel": [JOB, "--json"],
        "job workers": ["--json"],
        "serve": ["--port", str(port)],
        "api": ["--port", str(port)],
        "worker": ["--queues", "coffee"],
        "key create": ["me", "--scope", "read", "--json"],
        "key list": ["--json"],
        "key revoke": [JOB, "--json"],
        "webhook create": ["https://hooks.example.org/ltp", "--json"],
        "webhook list": ["--json"],
        "webhook deliveries": [JOB, "--json"],
        "webhook delete": [JOB, "--json"],
        "quota": ["--json"],
        "audit": ["--json"],
        "migrate": ["--json"],
        "backup": [str(folder / "backup.sqlite3"), "--json"],
        "restore": [pairs, "--json"],
        "settings": ["--json"],
        "backbone prepare": ["nobodys", "--json"],
        "backbone verify": ["nobodys", "--json"],
    }


FILES = frozenset({"serve", "migrate", "backup", "restore"})
DATABASE = frozenset({"api", "worker", "migrate", "backup", "restore", "settings"})
UNREACHED = frozenset({"migrate", "backup"})
BACKBONES = frozenset({"backbone prepare", "backbone verify"})
BLOBS = frozenset({"blobs show", "blobs move", "blobs orphans"})
LOCAL = FILES | DATABASE | BACKBONES | BLOBS | {"reproduce", "starter build"}
"""Commands that talk to no service."""


@dataclass(frozen=True)
class Environment:
    """One way for an environment to be wrong. `commands` None: all of them; `says` is what each must then say."""

    settings: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    commands: frozenset[str] | None = None
    stdout: str | None = None
    says: str = ""


CLIENT = frozenset(arguments(Path(), 0)) - LOCAL
ENVIRONMENTS = {
    "SOCKS": Environment({"url": ELSEWHERE}, {"ALL_PROXY": "socks5://127.0.0.1:9"}, CLIENT, says="ALL_PROXY is socks5"),
    "socks as Ubuntu writes it": Environment(
        {"url": ELSEWHERE}, {"all_proxy": "socks://127.0.0.1:9/"}, CLIENT, says="ALL_PROXY is socks"
    ),
    "a proxy's port": Environment({"url": ELSEWHERE}, {"HTTP_PROXY": "http://p:x"}, CLIENT, says="http_proxy"),
    "no certificates": Environment(
        {"url": "https://127.0.0.2:9"},
        {"SSL_CERT_FILE": "/no/such.pem"},
        CLIENT,
        says="SSL_CERT_FILE is '/no/such.pem'",
    ),
    "an address": Environment({"url": "http://[bad"}, commands=CLIENT, says="'http://[bad' is not an address"),
    "a port": Environment({"url": "http://127.0.0.1:99999"}, commands=CLIENT, says="is not an address"),
    "another scheme": Environment({"url": "ftp://127.0.0.1"}, commands=CLIENT, says="not an http://"),
    "a key": Environment({"api_key": "clé"}, commands=CLIENT, says="the API key holds a character"),
    "a setting": Environment(
        {"max_pairs": "many"}, commands=LOCAL - BACKBONES - {"reproduce", "starter build"}, says="MAX_PAIRS"
    ),
    "no URL": Environment({"database_url": "not a url"}, commands=DATABASE, says="DATABASE_URL"),
    "another database": Environment({"database_url": "mysql://u:secret@127.0.0.1:9/x"}, commands=UNREACHED),
    "a database that is down": Environment(
        {"database_url": "postgresql+psycopg://u:secret@127.0.0.1:9/x"}, commands=UNREACHED | {"settings"}
    ),
    "a database nowhere": Environment({"database_url": "sqlite:////proc/no/x.sqlite3"}, commands=UNREACHED),
    "a folder that is a file": Environment(
        {"data_dir": "/etc/hostname"}, commands={"serve", "migrate", "backup", "restore"}
    ),
    "a home that cannot be written": Environment(
        {"data_dir": ""}, {"HOME": "/proc/nowhere", "XDG_DATA_HOME": ""}, FILES
    ),
    "a full disk": Environment(stdout="/dev/full"),
    "a reader that has gone": Environment(stdout=UNREAD),
    "a closed output": Environment(stdout=CLOSED),
    "an old encoding": Environment(variables={"PYTHONIOENCODING": "ascii"}),
}


def write_files(folder: Path) -> None:
    """Write the files that the commands read."""
    rows = [f"The dog runs.\tIt {verb}.\t{label}" for verb, label in (("moves", 0), ("is old", 1), ("sleeps", 2))]
    rows += [row.replace("dog", "cat") for row in rows]
    (folder / "pairs.tsv").write_text("premise\thypothesis\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "corpus.txt").write_text("A dog runs.\nA cat sleeps.\n", encoding="utf-8")


def chosen(name: str, every: dict[str, list[str]], *, step: int = 1) -> list[str]:
    """The commands to try in an environment: all it concerns, or every so-manieth, others in each environment."""
    bad = ENVIRONMENTS[name]
    concerned = sorted(every if bad.commands is None else bad.commands)
    return concerned[list(ENVIRONMENTS).index(name) % step :: step]


def faults(ltp: ForkedCli, name: str, folder: Path, port: int, *, step: int = 1) -> dict[str, str]:
    """Try commands in the environment of this name; return what is wrong with how they ended. `port` is taken."""
    bad, every = ENVIRONMENTS[name], arguments(folder, port)
    settings = {"url": NOWHERE, "data_dir": str(folder / "data"), "backbone_dir": str(folder)} | bad.settings
    env = environment(**{name: value for name, value in settings.items() if value}) | bad.variables
    wrong = {}
    for command in chosen(name, every, step=step):
        done = ltp(*command.split(), *every[command], env=env, stdout=bad.stdout)
        if fault := fault_of(done, bad, documented="--json" in every[command]):
            wrong[command] = fault
    return wrong


def fault_of(done: Done, bad: Environment, *, documented: bool) -> str | None:
    """What is wrong with how a command ended."""
    said = " ".join(done.err.split())
    if "Traceback" in done.err or done.err.count("\n") > LONGEST or done.code not in EXITS:
        return f"exit code {done.code}, {done.err.count(chr(10))} lines, ending {done.err[-300:]!r}"
    if "secret" in done.err + done.out:
        return f"shows the password: {said}"
    if done.code == 1 and bad.stdout != UNREAD and "error: " not in said:
        return f"no sentence: {said!r}"
    if done.code == 1 and documented and bad.stdout is None:
        document = json.loads(done.out)
        if not document.get("error") or not document.get("detail"):
            return f"no document: {done.out!r}"
    if bad.says and (done.code == 0 or bad.says not in said):
        return f"exit code {done.code}, and it says {said!r}"
    return None


@contextmanager
def trial(folder: Path) -> Iterator[tuple[ForkedCli, int]]:
    """`ltp`, and a port that is taken."""
    write_files(folder)
    with forked_cli(folder) as ltp, socket.create_server(("127.0.0.1", 0)) as taken:
        yield ltp, taken.getsockname()[1]


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory(prefix="ltp-environments-") as name, trial(Path(name)) as (ltp, port):
        for each in ENVIRONMENTS:
            wrong = faults(ltp, each, Path(name), port)
            tried = len(chosen(each, arguments(Path(name), port)))
            print(f"{each}: {tried} commands, {len(wrong)} wrong")  # noqa: T201
            for command, fault in wrong.items():
                print(f"  {command}: {fault}")  # noqa: T201
            failed += len(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
