"""Every setting of the service, and the only place that reads the environment (prefix `LTP_`, and `.env`).

Each has a default except the secrets. `Settings.lines()` is what `ltp settings` prints; `Settings.environment()` is how
a process hands its settings on to the processes it starts.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict

from app import database_url as urls
from app.blob_settings import BlobSettings
from app.compute_settings import SAME_MACHINE, ComputeSettings
from app.setting_values import Addresses, Folder, JobMemory, Megabytes, Rate, RootPath, Seconds, Starter, folder_of_user
from app.webhook_settings import WebhookSettings

PREFIX = "LTP_"
MIB = 1024 * 1024
MASK = "********"
SHARED_CORES = {"OMP_WAIT_POLICY": "PASSIVE"}
"""API, runner and jobs share the processor: threads that spin while they wait for each other starve the other process
(measured: two busy processes on two cores, a tenth of the speed). OpenMP reads this once, when torch is imported."""
KEPT_PRODUCTS = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256", "LRU_CACHE_CAPACITY": "256"}
"""oneDNN, and torch's layer over it, keep the code made for each number of rows a product was asked for: 0.6 MB each,
and 1024 of them, though a number seldom comes back after its batch. A batch of fifty adapters needs some two hundred
(four products of each, the same in every layer). Both are read once, at the first product."""


@dataclass(frozen=True)
class SettingLine:
    """One row of `ltp settings`. `value` is text with secrets masked; `source` is where it came from."""

    name: str
    value: str
    source: Literal["environment", ".env", "command line", "default"]
    description: str


class ClientSettings(BaseSettings):
    """What the client commands need: nothing that is wrong with the service's settings is in their way."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        extra="ignore",
        use_attribute_docstrings=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    url: str = "http://127.0.0.1:8000"
    """Where the client commands find the service."""
    api_key: SecretStr | None = None
    """Key the client commands send."""


class CacheSettings(BaseSettings):
    """What preparing a backbone needs."""

    model_config = ClientSettings.model_config

    backbone_dir: Path = Field(default_factory=folder_of_user("BACKBONE_DIR", user_cache_path))
    """Where prepared and downloaded backbones are cached."""
    backbone: str = "mini"
    """`mini`, a checkpoint directory, or a hub name with `@revision`."""


class Settings(BlobSettings, WebhookSettings, ComputeSettings, ClientSettings, CacheSettings):
    """The service's settings. Construct it once per process and pass it on."""

    database_url: Annotated[str, Field(repr=False)] = ""
    """`postgresql://USER:PASSWORD@HOST/NAME`, or `sqlite:////PATH`. Empty: SQLite in `DATA_DIR`."""
    database_pooler: Literal["none", "transaction"] = "none"
    """`transaction`: PgBouncer or the like stands before Postgres, in transaction (or session) mode."""
    redis_url: SecretStr | None = None
    """Broker of a deployment with Celery. Absent: no broker, workers poll the database."""
    data_dir: Folder = Field(default_factory=folder_of_user("DATA_DIR", user_data_path))
    """Where the embedded profile keeps its database and work files. Local disk only: SQLite's WAL needs it."""
    work_dir: Path | None = None
    """Checkpoints of running jobs; share it between machines to resume on another one. Absent: `DATA_DIR/work`."""

    starter: Starter = "on"
    """`on`: the adapter that comes with the backbone answers other languages, begins training; `off`; or a folder."""
    auth: Literal["on", "off"] = "on"
    """`off` serves the loopback only, and refuses foreign hosts and origins. `ltp serve` is off unless told."""
    admin_key: SecretStr | None = None
    """A key of 32 characters or more with every scope, in tenant `default`."""
    key_cache_s: Annotated[float, Field(gt=0, le=30)] = 20
    """How long a key is believed without asking the database; a revoked one is refused after that."""
    offline_s: Annotated[float, Field(ge=0)] = 300
    """How long known keys go on predicting with resident adapters while the database does not answer."""
    rate_limit: Rate = "1200/minute"
    """Requests of one key, counted by each API process on its own; `off` for none. Not applied while `AUTH` is off."""
    tenant_rate_limit: Literal[""] | Rate = ""
    """Requests of all keys of one tenant, counted likewise; `off` for none. Empty: four times `RATE_LIMIT`."""
    auth_failures: Rate = "60/minute"
    """Wrong keys that one address may send before it is answered 429; right ones pass all the same; `off` for any."""
    max_keys: Annotated[int, Field(ge=1)] = 200
    """Valid keys a tenant may have."""
    max_queued_jobs: Annotated[int, Field(ge=1)] = 200
    """Unfinished jobs a tenant may have. Tenants take turns, so that they keep waiting nobody but itself."""
    max_stored_mb: Megabytes = 51_200
    """Bytes a tenant may keep: uploads, artefacts, and the records of what it did."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port to listen on; 0 takes a free one."""

    forwarded_allow_ips: Addresses = ""
    """Proxies whose `X-Forwarded-For`, `-Proto` and `-Prefix` are believed: addresses and networks, with commas."""
    root_path: RootPath = ""
    """Path under which a proxy shows the service, as `/ltp`, whether or not it takes that off; empty: at the top."""

    lease_s: Seconds = 60
    """A job whose runner has not been heard for so long is taken from it. The same for all workers."""
    heartbeat_s: Seconds = 10
    """How often a runner renews its lease and looks for cancellation."""
    sweep_s: Seconds = 15
    """How often a runner looks for expired leases and garbage."""
    poll_s: Seconds = 1
    """How often an idle runner looks for work."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """A job is tried so often before it fails for good."""
    job_memory_mb: JobMemory = 0
    """Most memory of a job's process; the same for API and workers. What may need more is refused, what takes more all
    the same fails without another try. 0 is no limit. Not enforced on CUDA, whose driver reserves more than it uses."""
    stall_s: Seconds = 900
    """A job that makes no progress for so long is killed and tried again."""
    job_timeout_s: Seconds = 86_400
    """An attempt that lasts longer is killed and tried again, from its checkpoint."""

    drain_s: Annotated[float, Field(ge=0)] = 0
    """After SIGTERM, how long requests are still taken while `/readyz` says 503, so that a load balancer notices."""
    grace_s: Annotated[float, Field(ge=0)] = 10
    """How long open requests, and then a runner, may take to end."""
    max_connections: Annotated[int, Field(ge=1)] = 512
    """Connections open at once; more are answered 503, `/healthz` and `/readyz` excepted."""
    max_address_connections: Annotated[int, Field(ge=0)] = 0
    """Connections one client's address may have open; 0 for three quarters of `MAX_CONNECTIONS`."""
    max_key_streams: Annotated[int, Field(ge=1)] = 16
    """Event streams that may be open at once with one key."""
    max_address_streams: Annotated[int, Field(ge=1)] = 64
    """Event streams that may be open at once from one client's address."""
    header_timeout_s: Seconds = 20
    """A connection that has not sent a whole request head by then is closed."""
    upload_grace_s: Seconds = 30
    """A body may take so long, and longer only if it comes at `UPLOAD_MIN_KIB_S` or more."""
    upload_min_kib_s: Seconds = 16
    """Least mean rate of a body that takes longer than `UPLOAD_GRACE_S`, in KiB a second; of reading an answer, too."""
    retention_days: Annotated[float, Field(ge=0)] = 0
    """Finished jobs, file predictions, and what failed are deleted when so old; 0 keeps them. Artefacts always stay,
    and what was cancelled before it began goes after a day."""
    audit_days: Annotated[float, Field(ge=0)] = 365
    """Audit events are deleted when so old; 0 keeps them."""

    max_body_mb: Megabytes = 8
    """Largest JSON body."""
    max_corpus_mb: Annotated[int, Field(ge=64)] = 256
    """Largest uploaded corpus."""
    max_artifact_mb: Megabytes = 1024
    """Largest adapter file accepted for import."""
    max_spool_mb: Annotated[int, Field(ge=16)] = 8192
    """Bytes of files on their way in or out of one API process, on its disk; one tenant may have half of them."""
    max_pairs: Annotated[int, Field(ge=1)] = 256
    """Most pairs in one prediction request."""
    max_characters: Annotated[int, Field(ge=1, le=20_000)] = 20_000
    """Most characters in one text: a premise, a hypothesis, a line of a corpus."""
    max_tokens: Annotated[int, Field(ge=16)] = 8192
    """Token budget of one batch of the engine, padding included."""
    queue_pairs: Annotated[int, Field(ge=1)] = 2048
    """Pairs that may wait for the engine, however fast it is; beyond it 429."""
    max_wait_s: Seconds = 10
    """A prediction that would not be answered within so many seconds, at the engine's pace lately, gets 429 at once."""
    fused_mb: Megabytes | None = None
    """Memory for adapters made ready to run. Absent: 1024, on a GPU half of what is free there beside the backbone."""
    compact_mb: Megabytes = 256
    """Memory for adapters kept as they are stored."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged."""
    log_format: Literal["text", "json"] = "text"
    """How log lines are written."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse settings that would kill healthy jobs or open the service by mistake."""
        if self.heartbeat_s * 2 > self.lease_s:
            said = f"HEARTBEAT_S is {self.heartbeat_s:g} and LEASE_S {self.lease_s:g}"
            raise ValueError(f"{said}; a lease must outlast two heartbeats, or healthy jobs are taken away")
        if self.admin_key is not None and len(self.admin_key.get_secret_value()) < 32:
            raise ValueError("ADMIN_KEY must have 32 characters or more")
        if self.database_pooler != "none" and not self.database_url.startswith("postgresql"):
            raise ValueError("DATABASE_POOLER speaks of Postgres, and DATABASE_URL names none")
        if self.database_pooler != "none":
            urls.behind(self.database_url, self.database_pooler)
        return self

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, url: str) -> str:
        """Take a database's URL as others write it, too."""
        return urls.normalise(url) if url else url

    @property
    def address_connections(self) -> int:
        """Return how many connections one address may have, with the default worked out."""
        return self.max_address_connections or max(1, self.max_connections * 3 // 4)

    @cached_property
    def database(self) -> str:
        """Return the URL to connect to, with the default filled in."""
        if not self.database_url:
            return urls.url_of_file(self.data_dir.absolute() / "ltp.sqlite3")
        pooled = self.database_pooler != "none"
        return urls.behind(self.database_url, self.database_pooler) if pooled else self.database_url

    @cached_property
    def work(self) -> Path:
        """Return the directory of job checkpoints, with the default filled in."""
        return self.work_dir or self.data_dir / "work"

    @cached_property
    def spool(self) -> Path:
        """Return the folder of files on their way in or out: on a disk with room, not in a /tmp that may be memory."""
        return self.data_dir / "uploads"

    def lines(self) -> list[SettingLine]:
        """Describe every setting with its value (secrets masked) and source, for `ltp settings`."""
        environment, dotenv = EnvSettingsSource(type(self))(), DotEnvSettingsSource(type(self))()
        lines = []
        for field, info in type(self).model_fields.items():
            name = PREFIX + field.upper()
            source: Literal["environment", ".env", "command line", "default"] = "default"
            if field in self.model_fields_set:
                source = "environment" if field in environment else ".env" if field in dotenv else "command line"
            lines.append(SettingLine(name, _shown(field, self._effective(field)), source, info.description or ""))
        return lines

    def environment(self) -> dict[str, str]:
        """Return the environment for a child process that shall have exactly these settings."""
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
        own = {PREFIX + field.upper(): _plain(getattr(self, field)) for field in type(self).model_fields}
        given = {name: value for name, value in own.items() if value is not None}
        return SHARED_CORES | KEPT_PRODUCTS | SAME_MACHINE | inherited | given

    @staticmethod
    def before_torch() -> None:
        """Set `SHARED_CORES` and `KEPT_PRODUCTS` in this process unless the environment does; before torch's import."""
        for name, value in (SHARED_CORES | KEPT_PRODUCTS).items():
            os.environ.setdefault(name, value)

    def _effective(self, field: str) -> Any:
        return {"database_url": self.database, "work_dir": self.work}.get(field, getattr(self, field))


def _plain(value: Any) -> str | None:
    """Write a value as the environment carries it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.absolute())
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def _shown(field: str, value: Any) -> str:
    """Write a value for a person, without secrets."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return MASK
    return urls.shown(value) if field == "database_url" else str(value)


def variable(*names: str) -> tuple[str, str] | None:
    """Return the first of these variables of the environment that is set, with its value."""
    return next(((name, os.environ[name]) for name in names if os.environ.get(name)), None)


def add_variables(values: dict[str, str]) -> None:
    """Add to this process's environment what it would have been started with."""
    os.environ.update(values)
