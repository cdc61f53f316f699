"""What `ltp` does without a service: help, usage, settings, migration, and files that are wrong before they travel."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli_process import LTP, ROOT, environment, run

pytestmark = pytest.mark.process

COMMANDS = [
    "ticket",
    "drift",
    "adapter",
    "job",
    "data",
    "backbone",
    "predict",
    "evaluate",
    "serve",
    "api",
    "worker",
    "key",
    "quota",
    "audit",
    "migrate",
    "backup",
    "restore",
    "settings",
]
HEAVY = ("torch", "transformers", "pydantic", "sqlalchemy", "httpx", "numpy", "matplotlib", "fastapi")


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom app.cli.program import root\n"
        "try:\n    root(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)

    assert "LOADED []" in done.stdout
    for command in COMMANDS:
        assert f" {command} " in done.stdout


def test_version() -> None:
    done = run("--version")
    assert (done.code, done.out.split()[0]) == (0, "ltp")


def test_completion_can_be_shown() -> None:
    asked = ["bash", "-c", '"$0" --show-completion bash; exit $?', str(LTP)]  # by a shell, which it looks for
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_LTP_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ticket", "create"], "give one source"),
        (["ticket", "create", "--builtin", "demo", "--drift", "x"], "give one source"),
        (["ticket", "create", "--builtin", "demo", "--ratio", "1.5"], "active_ratio is 1.5"),
        (["ticket", "create", "--builtin", "demo", "--set", "l2=1"], "NAME=VALUE"),
        (["ticket", "create", "--builtin", "demo", "--layers", "1,x"], "layers is '1,x'"),
        (["ticket", "create", "--builtin", "novel"], "novel"),
        (["ticket", "create", "--corpus", "no-such-file.txt"], "no-such-file.txt"),
        (["adapter", "train", "README.md"], "--lang"),
        (["job", "list", "--status", "lost"], "lost"),
        (["predict", "--adapter", "sw", "only a premise"], "hypothesis"),
        (["predict", "one", "two"], "--adapter"),
        (["predict", "--adapter", "sw", "--file", "a.xlsx", "-o", "b.xlsx"], "--output b.csv"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_wrong_usage_exits_with_2_and_names_the_fault(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert says in " ".join(done.err.replace("│", " ").split())


def test_without_a_service_it_says_how_to_start_one() -> None:
    done = run("job", "list", "--json")
    assert done.code == 1
    assert done.json["error"] == "no_service"
    assert "ltp serve" in done.err


def test_an_address_that_is_none_is_a_sentence() -> None:
    done = run("job", "list", url="ftp://127.0.0.1")
    assert done.code == 1
    assert "not an http:// or https:// address" in done.err


def test_settings_show_sources_and_mask_secrets() -> None:
    done = run("settings", "--json", admin_key="s" * 40, port="9001")
    assert done.code == 0
    lines = {line["name"]: line for line in done.json}
    assert (lines["LTP_PORT"]["value"], lines["LTP_PORT"]["source"]) == ("9001", "environment")
    assert lines["LTP_LEASE_S"]["source"] == "default"
    assert "ssss" not in done.out
    assert "ssss" not in run("settings", admin_key="s" * 40).out


def test_a_setting_that_cannot_be_is_named() -> None:
    done = run("settings", port="many")
    assert done.code == 1
    assert "PORT" in done.err


def test_settings_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"LTP_HOST=\xff\n")
    for command in (["settings", "--json"], ["job", "list", "--json"]):
        done = run(*command, cwd=tmp_path)
        assert (done.code, done.json["error"]) == (1, "invalid_settings")
        assert ".env in this folder is not UTF-8 text" in done.err


def test_a_choice_that_there_is_not_is_named_in_plain_words() -> None:
    done = run("adapter", "train", "README.md", "--lang", "sw", "--method", "zz")
    assert done.code == 2
    assert "'zz' is not one of 'ltp'" in " ".join(done.err.replace("│", " ").split())
    assert "Value error" not in done.err


def test_migrate_makes_the_database_and_may_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        done = run("migrate", "--json", data_dir=str(tmp_path))
        assert done.code == 0, done.err
        assert done.json["database"].endswith("ltp.sqlite3")
    assert (tmp_path / "ltp.sqlite3").stat().st_size > 0


def test_backbone_prepare_describes_a_folder(tiny_backbone_dir: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_backbone_dir, tmp_path / "tiny")
    done = run("backbone", "prepare", folder, "--json")
    assert done.code == 0, done.err
    assert done.json["layers"] == 2
    assert len(done.json["fingerprint"]) == 64


def test_backbone_verify_fails_when_a_byte_of_what_was_prepared_changed(
    tiny_backbone_dir: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_backbone_dir, tmp_path / "tiny")
    refused = run("backbone", "verify", folder)
    assert (refused.code, "never prepared" in refused.err) == (1, True)
    prepared = run("backbone", "prepare", folder, "--json")
    verified = run("backbone", "verify", folder, "--json")
    assert (verified.code, verified.json) == (0, prepared.json)
    weights, times = folder / "model.safetensors", (folder / "model.safetensors").stat()
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    failed = run("backbone", "verify", folder, "--json")
    answer = failed.json
    assert (failed.code, answer["error"]) == (1, "backbone_changed")
    assert "model.safetensors" in answer["detail"]


def test_backbone_prepare_takes_the_backbone_of_the_settings(tiny_backbone_dir: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_backbone_dir, tmp_path / "tiny")
    for command in ("prepare", "verify"):
        done = run("backbone", command, "--json", backbone=str(folder))
        assert done.code == 0, done.err
        assert done.json["directory"] == str(folder)


def test_backbone_prepare_says_what_a_name_may_be() -> None:
    done = run("backbone", "prepare", "no-such-model")
    assert done.code == 1
    assert "'no-such-model'" in done.err


def test_a_wrong_label_is_named_by_line_and_column_before_anything_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("premise\thypothesis\tlabel\nA dog runs.\tA dog moves.\tperhaps\n", encoding="utf-8")
    for arguments in (["adapter", "train", path, "--lang", "en"], ["evaluate", path, "--adapter", "en"]):
        done = run(*arguments, "--json")
        assert done.code == 1
        assert done.json["error"] == "invalid_file"
        assert f"{path}: line 2, column 26" in done.err


def test_a_corpus_that_is_not_text_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"A sentence.\nAn\xff other.\n")
    done = run("ticket", "create", "--corpus", path)
    assert done.code == 1
    assert f"{path}: line 2, column 3" in done.err


def test_a_table_that_is_given_as_text_is_warned_of(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("premise,hypothesis\nA dog runs.,It moves.\n", encoding="utf-8")
    for command in (["ticket", "create", "--corpus", table], ["language", "adapt", "quy", table]):
        assert f"warning: each line of {table} is taken for a sentence" in " ".join(run(*command).err.split())


def test_a_file_of_pairs_needs_somebody_who_answers(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("premise,hypothesis\nA dog runs.,A dog moves.\n", encoding="utf-8")
    done = run("predict", "--file", path)
    assert done.code == 1
    assert "line 2: no adapter" in done.err


def test_standard_input_is_called_so_and_not_by_the_file_that_it_is_kept_in() -> None:
    empty = run("predict", "--adapter", "sw")
    assert empty.code == 2
    assert "standard input holds nothing; give a premise" in " ".join(empty.err.replace("│", " ").split())
    faulty = run("predict", "--adapter", "sw", "--json", stdin=b"premise,hypothesis\nA dog.,\n")
    assert (faulty.code, faulty.json["detail"].split(":")[0]) == (1, "standard input")
    assert "/stdin" not in faulty.err


def test_a_device_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """On a machine with so many GPUs as that, another number would be needed."""
    data = tmp_path / "data"
    data.mkdir()
    for command in (["reproduce", "table1"], ["starter", "build"]):
        asked = [*command, "--data", data, "-o", tmp_path / "out", "--device"]
        absent = run(*asked, "cuda:999", "--json")
        assert (absent.code, absent.json["error"]) == (1, "device_not_available")
        assert "device is 'cuda:999', and torch finds" in absent.json["detail"]
        bogus = run(*asked, "bogus")
        assert bogus.code == 2
        assert "device is 'bogus'; it must be auto, cpu, cuda" in " ".join(bogus.err.replace("│", " ").split())
        assert "Traceback" not in absent.err + bogus.err
    assert not (tmp_path / "out").exists()


def test_a_service_does_not_start_on_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    """`CUDA_VISIBLE_DEVICES` hides those that there are."""
    for command in ("serve", "api", "worker"):
        settings = {"device": "cuda", "data_dir": str(tmp_path), "port": "0"}
        done = subprocess.run(
            [str(LTP), command],
            env=environment(**settings) | {"CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, "torch finds no GPU here" in done.stderr) == (1, True), done.stderr
        assert "Traceback" not in done.stderr


def test_a_missing_file_of_pairs_is_a_sentence() -> None:
    done = run("predict", "--adapter", "sw", "--file", "no-such-file.csv")
    assert done.code == 1
    assert "there is no file no-such-file.csv" in done.err


@pytest.mark.parametrize("command", ["serve", "api"])
def test_without_authentication_it_listens_to_nobody_else(command: str, tmp_path: Path) -> None:
    done = run(command, "--host", "0.0.0.0", "--port", "0", data_dir=str(tmp_path), auth="off")  # noqa: S104  that is refused
    assert done.code == 1
    assert "authentication is off" in done.err


@pytest.mark.parametrize("command", ["serve", "api"])
def test_a_port_that_is_taken_is_a_sentence(command: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(command, "--port", str(port), data_dir=str(tmp_path))
    assert done.code == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in done.err
