"""The layout keeps its rules: imports go down the levels declared here, Settings alone reads the environment."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import imports

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "ltp": {"app", "worker", "migrations", "demo", "ltp_client"},
    "app": {"worker", "migrations", "demo"},
    "worker": {"migrations", "demo", "ltp_client"},
}
LEVELS = {
    "ltp": [
        {"advice", "atomic_file", "errors", "progress", "release", "strict_json"},
        {"compute", "config", "tensorfile"},
        {"backbone", "metrics", "text", "training"},
        {"answered_share", "calibration", "comparison", "model", "suggestion"},
        {"drift"},
        {"ticket"},
        {"delta"},
        {"language_delta"},
        {"adapter"},
        {"engine"},
        {"starter"},
        {"export", "reproduce"},
    ],
    "app": [
        {
            "blob_settings",
            "compute_settings",
            "database_url",
            "errors",
            "namesake",
            "process",
            "setting_values",
            "trace_context",
            "webhook_settings",
        },
        {"settings"},
        {"storage"},
        {"auth", "jobs"},
        {"registry", "telemetry"},
        {"http", "inference"},
        {"api", "console"},
        {"main"},
        {"serve"},
        {"cli"},
    ],
    "worker": [
        {
            "awake_clock",
            "celery",
            "checkpoints",
            "device_turns",
            "job_fork",
            "no_memory",
            "oom_kills",
            "own_backbone",
            "parent_watch",
            "progress",
            "rank_task",
            "retention",
            "retry",
            "silence",
            "traces",
            "usable_database",
            "webhook_post",
        },
        {"context", "further_rank", "job_process", "lease_watch", "listener", "webhook_sender"},
        {"end", "rank", "ranks", "sweeper"},
        {"execute"},
        {"job"},
        {"job_parent", "runner"},
        {"runners"},
        {"command"},
        {"__main__"},
    ],
}
"""What lies directly in a package, from the ground up. An entry imports entries of lower levels only."""
LONGEST_FILE = 300
STRICT_JSON, DUMPED = {"ltp", "worker"}, "allow_nan=False"
"""Packages that compute numbers, and how they have to write them."""


def modules() -> list[Path]:
    return sorted(imports.modules(ROOT, *FORBIDDEN).values())


def upward(graph: imports.Edges) -> Iterator[str]:
    """Name the imports between entries that do not go down."""
    for source, targets in sorted(graph.items()):
        for target in sorted(targets):
            package, _, name = source.partition(".")
            level = {entry: number for number, entries in enumerate(LEVELS[package]) for entry in entries}
            if level[target.partition(".")[2]] >= level[name]:
                yield f"{source} -> {target}"


@pytest.mark.parametrize("package", LEVELS)
def test_every_entry_of_a_package_has_a_level(package: str) -> None:
    there = {imports.entry(module).partition(".")[2] for module in imports.modules(ROOT, package)} - {""}
    declared = [entry for entries in LEVELS[package] for entry in entries]
    assert sorted(declared) == sorted(there), "declare a new file or folder in LEVELS, or give it a place in one"


def test_imports_go_down_the_levels() -> None:
    graph = imports.edges(imports.modules(ROOT, *LEVELS))
    assert list(upward(imports.between_entries(graph))) == []


def test_an_import_that_goes_up_or_stays_on_its_level_is_noticed() -> None:
    made_up = {
        "app.storage.blobs": {"app.jobs.queue", "app.settings"},
        "app.jobs.queue": {"app.auth.caller", "app.storage.blobs"},
    }
    assert list(upward(imports.between_entries(made_up))) == ["app.jobs -> app.auth", "app.storage -> app.jobs"]


def test_no_files_import_each_other_in_a_circle() -> None:
    assert imports.circles(imports.edges(imports.modules(ROOT, *LEVELS))) == []


def test_a_circle_is_noticed() -> None:
    made_up = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}
    assert imports.circles(made_up) == [["b", "c"]]


def unmirrored(root: Path) -> list[str]:
    """Name the folders of tests of a package that are no folders of it."""
    folders = [folder for package in LEVELS for folder in (root / "tests" / package).rglob("*") if folder.is_dir()]
    places = [folder.relative_to(root / "tests") for folder in folders if folder.name != "__pycache__"]
    return sorted(str(place) for place in places if not (root / place).is_dir())


def test_tests_lie_where_what_they_test_lies() -> None:
    assert unmirrored(ROOT) == []


def test_a_folder_of_tests_of_nothing_is_noticed(tmp_path: Path) -> None:
    for folder in ("app/jobs", "tests/app/jobs", "tests/app/queue"):
        (tmp_path / folder).mkdir(parents=True)
    assert unmirrored(tmp_path) == ["app/queue"]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_keeps_the_rules(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    names = {module for module, _ in imports.imported(tree)}
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert not {name for name in names if name.split(".")[0] in FORBIDDEN[package]}, "imports go worker -> app -> ltp"
    assert not names & {"pickle", "dill", "joblib", "shelve"}, "artefacts are safetensors and JSON"
    assert "torch.load" not in attributes, "artefacts are safetensors and JSON"
    if package in STRICT_JSON:
        calls = [
            node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.dumps"
        ]
        assert all(DUMPED in map(ast.unparse, call.keywords) for call in calls), "NaN is no JSON: allow_nan=False"
    if path != ROOT / "app" / "settings.py":
        assert not attributes & {"os.environ", "os.getenv"}, "Settings alone reads the environment"
    assert text.count("\n") <= LONGEST_FILE, "a file is one noun"


@pytest.mark.parametrize(
    "module",
    [
        "app.main",
        "app.cli",
        "ltp.config",
        "ltp.errors",
        "ltp.backbone",
        "ltp.backbone.layers",
        "ltp.backbone.manifest",
        "ltp.backbone.strategy",
        "ltp.model",
        "ltp.model.methods",
        "ltp.model.template",
        "ltp.text",
        "ltp.text.examples",
        "ltp.engine.pairs",
        "ltp.text.corpus",
        "ltp.text.vocabulary",
        "ltp.metrics",
        "ltp.reproduce.plan.catalogue",
        "ltp.reproduce.reproduction",
    ],
)
@pytest.mark.process
def test_importing_a_light_module_leaves_torch_alone(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr or f"{module} imports torch or transformers"


@pytest.mark.process
def test_a_command_that_asks_a_service_imports_no_database() -> None:
    code = (
        "import sys; from app.cli import adapters, client; client.client_settings(); print('sqlalchemy' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.stdout.strip(), result.stderr) == ("False", "")


@pytest.mark.process
@pytest.mark.parametrize("module", ["ltp.ticket.mask", "ltp.drift.stored", "ltp.adapter.artefact", "ltp.delta.fuse"])
def test_reading_an_artefact_imports_no_training(module: str) -> None:
    training = ["ltp.drift.train", "ltp.adapter.train", "ltp.adapter.seed_run", "ltp.training", "transformers"]
    code = f"import sys, {module}; print(*[name for name in {training} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.stdout.strip(), result.stderr) == ("", "")
