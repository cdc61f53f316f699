"""Every client command against a running service, as people and as scripts use it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli_process import LTP, Done, environment, run, serving, started

pytestmark = pytest.mark.process

Run = Callable[..., Done]
Artefact = dict[str, Any]


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_service_says_where_everything_is_kept(service: str, data_dir: Path) -> None:
    log = data_dir.with_name("serve.log").read_text(encoding="utf-8")
    assert "everything is kept in one folder" in log
    assert str(data_dir) in log


def test_a_ticket_is_made_shown_and_listed(ltp: Run, ticket: Artefact) -> None:
    assert (ticket["status"], ticket["name"]) == ("ready", "first")
    listed = ltp("ticket", "list", "--json").json
    assert ticket["id"] in [each["id"] for each in listed]

    shown = ltp("ticket", "show", "first")
    assert shown.code == 0, shown.err
    for word in (ticket["id"], f"{ticket['active']:,} of {ticket['selectable']:,}", "layer", "emb", "density", "%"):
        assert word in shown.out
    assert "█" in shown.out
    assert ltp("ticket", "show", "latest", "--json").json["status"] == "ready"
    assert ticket["id"] in ltp("ticket", "list").out


def test_a_ticket_is_drawn(ltp: Run, ticket: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "layers.png"
    done = ltp("ticket", "show", ticket["id"], "--png", path, "--json")
    assert (done.code, done.json["id"]) == (0, ticket["id"])
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_second_ticket_comes_from_the_first_ones_drift(ltp: Run, ticket: Artefact) -> None:
    done = ltp(
        "ticket", "create", "--drift", "first", "--ratio", "0.1", "--layers", "1", "--rule", "per_layer", "--json"
    )
    assert done.code == 0, done.err
    made = done.json["ticket"]
    assert (made["drift"], made["layers"], made["rule"]) == (ticket["drift"], [1], "per_layer")
    assert 0 < made["active"] < ticket["active"]


def test_a_ticket_from_a_corpus_of_ones_own_shows_its_progress(ltp: Run, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("".join(f"The dog sees {number} cats in the house.\n" for number in range(40)), encoding="utf-8")
    done = ltp("ticket", "create", "--corpus", corpus, "--language", "en", "--epochs", "1", "--set", "mask_share=0.3")
    assert done.code == 0, done.err
    assert "ticket: " in done.err
    assert "loss" in done.err
    assert "ready" in done.out


def test_an_adapter_is_trained_shown_listed_and_promoted(ltp: Run, adapter: Artefact) -> None:
    assert (adapter["lang"], adapter["version"], adapter["aliases"]) == ("en", 1, ["production"])
    for reference in ("en", "en@1", "en@production", adapter["id"]):
        assert ltp("adapter", "show", reference, "--json").json["id"] == adapter["id"]
    shown = ltp("adapter", "show", "en").out
    assert "int8 beside fp16:" in " ".join(shown.split())
    assert "en@1" in shown
    assert "macro F1" in shown
    assert "production" in ltp("adapter", "list", "--lang", "en").out

    promoted = ltp("adapter", "promote", "en@1", "--alias", "best", "--json")
    assert (promoted.code, promoted.json["version"]) == (0, 1)
    assert ltp("adapter", "list", "--alias", "best", "--json").json[0]["id"] == adapter["id"]


def test_training_says_how_it_went(ltp: Run, ticket: Artefact, pairs_file: Path) -> None:
    arguments = ["--lang", "sw", "--dev", pairs_file, "--ticket", "first", "--seeds", "2", "--epochs", "1"]
    done = ltp("adapter", "train", pairs_file, *arguments)
    assert done.code == 0, done.err
    leak = "36 of the development examples also stand in training"
    assert done.err.count(leak) == 1, "by the command, and not once more by the job"
    assert leak in done.out
    assert "loss" in done.err
    assert "36 train, 36 dev" in done.out
    assert "2: mean" in done.out


def test_an_adapter_leaves_and_comes_back(ltp: Run, adapter: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "en.safetensors"
    exported = ltp("adapter", "export", "en@1", "--output", path, "--json")
    assert (exported.code, exported.json["bytes"]) == (0, path.stat().st_size)
    imported = ltp("adapter", "import", path, "--lang", "quy", "--json")
    assert imported.code == 0, imported.err
    assert (imported.json["lang"], imported.json["version"]) == ("quy", 1)

    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    damaged = ltp("adapter", "import", path, "--lang", "quy", "--json")
    assert (damaged.code, damaged.json["error"]) == (1, "corrupt_artifact")


def test_rows_of_several_languages_for_one_adapter_are_warned_of(ltp: Run, adapter: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("language,premise,hypothesis\nen,The dog runs.,It runs.\nsw,The cat eats.,It eats.\n", "utf-8")
    for way in ([], ["--job"]):
        done = ltp("predict", "--adapter", "en", "--file", path, *way)
        assert done.code == 0, done.err
        said = " ".join(done.err.split())
        assert "warning: the file holds rows of several languages, which all go to one adapter" in said
        assert "--lang-column language" in said


def test_one_pair_is_judged(ltp: Run, adapter: Artefact) -> None:
    done = ltp("predict", "--adapter", "en", "The dog runs.", "The dog is old.", "--min-confidence", "1", "--json")
    assert done.code == 0, done.err
    assert done.json["adapter"]["id"] == adapter["id"]
    assert abs(sum(done.json["probabilities"].values()) - 1) < 1e-3
    shown = ltp("predict", "--adapter", "en", "The dog runs.", "The dog is old.", "--min-confidence", "1").out
    assert done.json["label"] in shown
    assert "not as sure as was asked for" in shown


def test_a_file_comes_back_with_answers_by_request_by_stdin_and_by_job(
    ltp: Run, adapter: Artefact, tmp_path: Path
) -> None:
    rows = [f'{{"premise": "The dog has {n} cats.", "hypothesis": "It is old.", "note": {n}}}' for n in range(70)]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")

    answers = tmp_path / "answers.jsonl"
    assert ltp("predict", "--adapter", "en", "--file", path, "--output", answers).code == 0
    by_request = lines_of(answers.read_text("utf-8"))
    assert [row["note"] for row in by_request] == list(range(70))
    added = {"label", "entailment", "neutral", "contradiction", "answered_by", "fallback", "truncated"}
    assert set(by_request[0]) == {"premise", "hypothesis", "note"} | added

    by_stdin = ltp("predict", "--adapter", "en", stdin=path.read_bytes())
    assert lines_of(by_stdin.out) == by_request

    by_job = ltp("predict", "--adapter", "en", "--file", path, "--job")
    assert by_job.code == 0, by_job.err
    for told in ("label", "answered_by", "fallback", "truncated"):
        assert [row[told] for row in lines_of(by_job.out)] == [row[told] for row in by_request]
    assert list(lines_of(by_job.out)[0]) == list(by_request[0])


def test_each_row_of_a_file_says_who_answered_it(ltp: Run, adapter: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("premise,hypothesis,lang\nThe dog runs.,It moves.,en\nThe cow runs.,It moves.,zu\n", "utf-8")
    for way in ([], ["--job"]):
        done = ltp("predict", "--file", path, "--adapter", "en", "--fallback", "en@1", *way)
        assert done.code == 0, done.err
        own, other = csv.DictReader(done.out.splitlines())
        assert (own["answered_by"], own["fallback"], own["truncated"]) == ("en@1", "false", "false")
        assert (other["answered_by"], other["fallback"]) == ("en@1", "true")


def test_a_file_is_told_below_which_confidence_both_ways_alike(ltp: Run, adapter: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"premise": "The dog runs.", "hypothesis": "It is old."}\n', encoding="utf-8")
    asked = ["--adapter", "en", "--file", path, "--min-confidence"]
    for least, abstained in (("0", False), ("1", True)):
        by_request = ltp("predict", *asked, least)
        assert [row["abstained"] for row in lines_of(by_request.out)] == [abstained]
    by_job = ltp("predict", *asked, "1", "--job")
    assert [row["abstained"] for row in lines_of(by_job.out)] == [True]


def test_a_job_whose_result_could_not_be_written_is_not_begun(ltp: Run, adapter: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"premise": "The dog runs.", "hypothesis": "It is old."}\n', encoding="utf-8")
    before = len(ltp("job", "list", "--limit", "200", "--json").json)
    for target in (tmp_path / "no" / "such" / "folder.jsonl", tmp_path, Path("/proc/answers.jsonl")):
        done = ltp("predict", "--adapter", "en", "--file", path, "--job", "--output", target, "--json")
        assert done.code == 1
        assert str(target) in done.json["detail"]
    assert len(ltp("job", "list", "--limit", "200", "--json").json) == before


def test_a_file_may_mix_languages_and_fall_back(ltp: Run, adapter: Artefact) -> None:
    table = "lang,premise,hypothesis\nen,The dog runs.,It moves.\nfr,Le chien court.,Il dort.\n"
    refused = ltp("predict", "--file", "-", "--json", stdin=table.encode())
    assert (refused.code, refused.json["error"]) == (1, "no_adapter_for_language")
    done = ltp("predict", "--file", "-", "--fallback", "en", "--json", stdin=table.encode())
    assert [answer["fallback"] for answer in done.json] == [False, True]


def test_evaluation_reports_accuracy_with_its_interval_per_label_and_confusion(
    ltp: Run, adapter: Artefact, pairs_file: Path
) -> None:
    done = ltp("evaluate", "--adapter", "en", pairs_file, "--json")
    assert done.code == 0, done.err
    report = done.json
    assert (report["pairs"], report["adapters"]) == (36, ["en@1"])
    assert report["interval"][0] <= report["accuracy"] <= report["interval"][1]
    assert sum(map(sum, report["confusion"])) == 36

    shown = ltp("evaluate", "--adapter", "en", pairs_file, "--limit", "12")
    for words in ("95 % interval, on 12 pairs", "precision", "confusion", "contradiction"):
        assert words in shown.out


def in_languages(pairs_file: Path, *codes: str) -> str:
    """The pairs once for each language, as a table whose first column names it."""
    header, *rows = pairs_file.read_text("utf-8").splitlines()
    return "\n".join([f"code\t{header}", *(f"{code}\t{row}" for code in codes for row in rows)]) + "\n"


def test_each_language_of_a_file_gets_an_adapter_that_knows_how_it_was_read(
    ltp: Run, pairs_file: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both.tsv"
    no_neutral = "nah\tThe dog runs.\tThe dog moves.\tentailment\n"
    both.write_text(in_languages(pairs_file, "quy", "ay") + no_neutral, encoding="utf-8")
    asked = ["--lang-column", "code", "--method", "pt", "--epochs", "1"]
    done = ltp("adapter", "train", both, "--each", *asked, "--json")
    assert done.code == 1, "one language could not be trained"
    made = {each["lang"]: each for each in done.json["adapters"]}
    assert set(made) == {"quy", "ay", "nah"}
    assert "neutral" in made["nah"]["detail"]
    for lang in ("quy", "ay"):
        told = made[lang]["adapter"]["reading"]
        assert (told["rows"], told["read"], told["languages"]["nah"]) == (73, 36, 1)
    assert "labels: entailment -> entailment" in done.err, "said before anything is trained"
    shown = ltp("adapter", "show", "quy").out
    assert "read for training" in shown
    assert "1 row is left out: the language is nah" in shown

    summary = ltp("adapter", "train", both, "--each", *asked, "--no-wait")
    assert summary.code == 1
    for words in ("quy", "pending", "refused"):
        assert words in summary.out
    for state in ("running", "queued"):
        for job in ltp("job", "list", "--kind", "adapter", "--status", state, "--json").json:
            ltp("job", "cancel", job["id"])


def test_evaluation_obeys_the_rows_languages_and_scores_the_rest_of_a_faulty_file(
    ltp: Run, adapter: Artefact, pairs_file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "en.safetensors"
    assert ltp("adapter", "export", "en@1", "--output", other).code == 0
    assert ltp("adapter", "import", other, "--lang", "ay").code == 0
    path = tmp_path / "mixed.tsv"
    faulty = "en\tA dog.\t \tneutral\nen\tA dog.\tA cat.\t-\n"
    path.write_text(in_languages(pairs_file, "en", "ay") + faulty, encoding="utf-8")
    chosen = ["evaluate", path, "--lang-column", "code", "--json"]
    done = ltp(*chosen)
    assert done.code == 0, done.err
    assert (done.json["pairs"], done.json["rows"]) == (72, 74)
    assert {each["first_line"] for each in done.json["left_out"]} == {74, 75}
    assert [name.split("@")[0] for name in done.json["adapters"]] == ["ay", "en"]
    ignoring = ltp(*chosen, "--adapter", "en", "--ignore-row-lang").json
    assert [name.split("@")[0] for name in ignoring["adapters"]] == ["en"]
    one = ltp(*chosen, "--lang", "ay").json
    assert (one["pairs"], one["adapters"][0].split("@")[0]) == (36, "ay")
    shown = ltp(*chosen[:-1]).out
    assert "left out" in shown
    assert "line 74" in shown


def test_a_file_is_judged_by_the_columns_that_were_said(ltp: Run, adapter: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("code,first,second\nzu,The dog runs.,It moves.\n", encoding="utf-8")
    asked = ["predict", "--file", path, "--columns", "premise=first,hypothesis=second,lang=code"]
    refused = ltp(*asked, "--json")
    assert (refused.code, refused.json["error"]) == (1, "no_adapter_for_language")
    for way in ([], ["--job"]):
        done = ltp(*asked, "--adapter", "en", "--ignore-row-lang", *way)
        assert done.code == 0, done.err
        added = "label,entailment,neutral,contradiction,answered_by,fallback,truncated"
        assert done.out.splitlines()[0] == f"code,first,second,{added}"


def test_a_file_is_looked_at_with_the_services_vocabulary(ltp: Run, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("premise,hypothesis\nThe dog runs.,ᱥᱟᱱᱛᱟᱲ dog\n", encoding="utf-8")
    done = ltp("data", "check", path, "--task", "predict", "--json")
    assert done.json["unknown"]["texts_share"] == 0.5
    assert done.code == 3


def test_jobs_are_listed_and_shown(ltp: Run, adapter: Artefact) -> None:
    jobs = ltp("job", "list", "--kind", "adapter", "--status", "succeeded", "--json").json
    job = next(job for job in jobs if job["resource"]["id"] == adapter["id"])
    assert job["id"] in ltp("job", "list", "--limit", "200").out
    assert adapter["id"] in ltp("job", "show", job["id"]).out
    assert ltp("job", "watch", job["id"], "--json").json["status"] == "succeeded"
    finished = ltp("job", "cancel", job["id"], "--json")
    assert (finished.code, finished.json["error"]) == (1, "job_finished")


def test_a_refusal_shows_the_services_words_and_its_request(ltp: Run) -> None:
    missing = str(uuid.uuid4())
    done = ltp("job", "show", missing, "--json")
    assert (done.code, done.json["error"]) == (1, "job_not_found")
    assert missing in done.err
    assert done.json["request_id"] in done.err
    for arguments in (["ticket", "show", "nobody"], ["adapter", "show", "xx@7"]):
        assert ltp(*arguments).code == 1


def test_ctrl_c_leaves_the_job_alone_and_it_can_be_cancelled(service: str) -> None:
    bounds = ["--sample", "2000", "--epochs", "500"]
    command = [str(LTP), "ticket", "create", "--builtin", "demo", *bounds]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(url=service),
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background ignores it
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    said = (first + process.stderr.read()).decode()
    assert process.wait(30) == 1
    job = said.split("ltp job cancel ")[1].split()[0]

    assert run("job", "show", job, "--json", url=service).json["status"] in {"queued", "running"}
    assert run("job", "cancel", job, url=service).code == 0
    deadline = time.monotonic() + 60
    while (state := run("job", "show", job, "--json", url=service).json["status"]) != "cancelled":
        assert time.monotonic() < deadline, state
    watched = run("job", "watch", job, "--json", url=service)
    assert (watched.code, watched.json["error"]) == (1, "cancelled")


def test_no_wait_returns_with_the_jobs_id(ltp: Run, ticket: Artefact) -> None:
    done = ltp("ticket", "create", "--drift", ticket["drift"], "--ratio", "0.05", "--no-wait", "--json")
    assert done.code == 0
    assert ltp("job", "watch", done.json["job"]["id"], "--json").json["status"] == "succeeded"


def test_a_second_service_on_the_same_data_is_refused(service: str, tiny_backbone_dir: Path, data_dir: Path) -> None:
    done = run("serve", "--data-dir", data_dir, "--port", "0", backbone=str(tiny_backbone_dir))
    assert done.code == 1
    assert str(data_dir) in done.err


def test_the_api_and_a_worker_can_be_started_apart(tiny_backbone_dir: Path, pairs_file: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run("migrate", data_dir=str(data)).code == 0
    with (
        serving("api", backbone=tiny_backbone_dir, data=data) as url,
        started("worker", "--queues", "adapters", backbone=tiny_backbone_dir, data=data),
    ):
        chosen = ["--method", "pt", "--lang", "es", "--epochs", "1"]
        done = run("adapter", "train", pairs_file, *chosen, "--json", url=url)
        assert done.code == 0, done.err
        assert (done.json["adapter"]["method"], done.json["adapter"]["ticket"]) == ("pt", None)


def test_a_worker_knows_its_queues() -> None:
    done = run("worker", "--queues", "coffee")
    assert done.code == 2
    assert "no such queue: coffee" in done.err


def test_a_worker_knows_its_devices() -> None:
    done = run("worker", "--devices", "0,gpu7")
    assert done.code == 1
    assert "DEVICES: 'gpu7' in '0,gpu7' is no device" in done.err
