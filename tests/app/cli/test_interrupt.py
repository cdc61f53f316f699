"""Ctrl-C while a command waits for a service: a sentence, with `--json` a document, and the exit code of shells."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess

import pytest
from support.cli_process import LTP, environment

pytestmark = pytest.mark.process


def test_ctrl_c_leaves_a_sentence_and_a_document() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = environment(url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        process = subprocess.Popen(
            [str(LTP), "job", "list", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background ignores it
        )
        silent.settimeout(60)
        connection, _ = silent.accept()
        connection.recv(1)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        connection.close()
    assert process.returncode == 130
    assert json.loads(out) == {"error": "interrupted", "detail": "interrupted"}
    assert err.decode() == "error: interrupted\n"
