"""Live tasks of every kind of field, made from a number: what an import must be able to write."""

from __future__ import annotations

import random
from typing import Any

from reconciler.model.task import Task

# Text that YAML, comments and templates might take for something else.
ODD = (
    *("true", "null", "~", "007", "1_000", "1e3", "0x1F", "12:30", "2027-06-30", "<<", "=", "-"),
    *(
        "- a",
        "a: b",
        "a #b",
        "#b",
        "&a",
        "*a",
        "!a",
        "@a",
        "`a",
        "%a",
        "'",
        '"',
        "\\",
        "{{.Run.ID}}",
    ),
    *(
        "${{ name }}",
        "{a: 1}",
        "[a]",
        " a ",
        "a ",
        "ü ö ñ",
        "日本語",
        "😀",
        "a\tb",
        "a\u200bb",
        "|",
        ">",
    ),
)
LINES = (
    "one\ntwo",
    "one\ntwo\n",
    "\n one\n\n\n  two ",
    "one\n\n",
    "# no comment\n",
    "a\r\nb",
    " \n",
)
_GIT = "https://git.contoso.example/team/web.git#main:api"
_REFERENCES = (
    "env:PAT",
    "file:/run/secrets/a#b",
    "vault:kv/data/x?namespace=y",
    "azurekv:https://k.vault.azure.net/secrets/q",
)


def live_tasks(count: int) -> list[Task]:
    """So many tasks of one registry, always the same."""
    return [_task(number) for number in range(count)]


def _task(number: int) -> Task:
    return Task.model_validate(_Maker(number).document())


class _Maker:
    """Makes one task; each optional field is there or not."""

    def __init__(self, number: int) -> None:
        self.number, self.random = number, random.Random(number)  # the same each time

    def document(self) -> dict[str, Any]:
        return {
            "apiVersion": "reconciler/v1",
            "kind": "Task",
            "metadata": {
                "name": f"task-{self.number:04}",
                "registry": "contoso",
                **self._metadata(),
            },
            "spec": {"context": self._context(), "step": self._step(), **self._spec()},
        }

    def _some(self, **fields: Any) -> dict[str, Any]:
        """Some of the fields, made only where they are wanted."""
        return {key: make() for key, make in fields.items() if self.random.random() < 0.5}

    def _one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def _odd(self) -> str:
        return str(self._one(*ODD))

    def _text(self) -> str:
        return str(self._one(*ODD, *LINES))

    def _map(self) -> dict[str, str]:
        return {self._odd(): self._text() for _ in range(self.random.randrange(4))}

    def _reference(self) -> dict[str, Any]:
        version = self._some(version=lambda: "3")
        return {"secret": self._one(*_REFERENCES), **version}

    def _references(self) -> dict[str, str]:
        return {f"KEY_{index}": self._one(*_REFERENCES) for index in range(2)}

    def _token(self) -> dict[str, Any]:
        return {
            **self._reference(),
            **self._some(
                kind=lambda: self._one("classic", "fine-grained", "app"),
                scopes=lambda: ["repo:status", self._odd()],
                expires=lambda: "2027-01-31",
            ),
        }

    def _metadata(self) -> dict[str, Any]:
        return self._some(
            owner=self._odd,
            contact=lambda: "web@contoso.example",
            reviewBy=lambda: "2027-06-30",
            expires=lambda: "2028-02-29",
            description=self._text,
            runbook=lambda: "https://wiki.contoso.example/a?b=c#d",
            downstream=lambda: ["aks-prod/web", self._odd()],
            labels=self._map,
        )

    def _context(self) -> dict[str, Any]:
        more = self._some(
            visibility=lambda: self._one("public", "private"),
            submodules=lambda: {"hosts": ["git.b.example", "git.a.example"], "max": 3},
        )
        return {"source": _GIT, "token": self._token(), **more}

    def _spec(self) -> dict[str, Any]:
        found = self._fields()
        if "dockerSocket" in found:  # it is a way out
            found.pop("network", None)
        return found

    def _fields(self) -> dict[str, Any]:
        return self._some(
            status=lambda: "Disabled",
            compat=lambda: "acb",
            cache=lambda: self._one("enabled", "disabled"),
            dockerSocket=lambda: True,
            driftPolicy=lambda: "heal",
            platform=lambda: self._one("linux/arm64", "windows/amd64", "linux/arm/v7"),
            triggers=self._triggers,
            identity=lambda: self._one(
                {"type": "SystemAssigned"},
                {"type": "UserAssigned", "ids": ["/subscriptions/b/x", "/subscriptions/a/x"]},
            ),
            credentials=self._credentials,
            agent=lambda: self._one({"cpu": 4}, {"pool": self._odd()}),
            network=lambda: {"egress": "none"},
            timeout=lambda: self._one(300, 28800),
            logTemplate=self._odd,
            systemTask=lambda: True,
            retention=lambda: self._some(
                logs=lambda: "30d", runs=lambda: "90d", archive=lambda: True
            ),
            notify=lambda: [{"on": ["Timeout", "Failed"], "url": self._reference()}],
            protect=lambda: True,
        )

    def _credentials(self) -> dict[str, Any]:
        return {
            "source": {"loginMode": self._one("Default", "None")},
            "registries": {
                "docker.io": {"username": self._reference(), "password": self._reference()}
            },
        }

    def _with(self) -> dict[str, Any]:
        return self._some(noCache=lambda: True, pull=lambda: False, set=self._map)

    def _hook(self, **more: Any) -> dict[str, Any]:
        return {
            **self._some(
                name=self._odd,
                status=lambda: "Disabled",
                branch=self._odd,
                repository=lambda: _GIT,
                token=self._token,
                paths=lambda: {"include": ["b/**", "a/**"], "exclude": ["**/*.md"]},
                **more,
            ),
            "with": self._with(),
        }

    def _triggers(self) -> dict[str, Any]:
        return self._some(
            commit=lambda: [
                self._hook(tags=lambda: True, poll=lambda: "5m") for _ in range(self._one(1, 2))
            ],
            pullRequest=lambda: [self._hook(forks=lambda: "allow")],
            baseImage=lambda: {
                **self._some(
                    name=self._odd,
                    type=lambda: "All",
                    minInterval=lambda: "1h",
                    updateEndpoint=self._reference,
                    updatePayload=lambda: "Token",
                ),
                "with": self._with(),
            },
            timers=lambda: {
                self._odd(): {
                    "schedule": "0 3 * * *",
                    **self._some(
                        status=lambda: "Disabled",
                        missed=lambda: self._one("skip", "run_all"),
                        maxMissed=lambda: 3,
                        overlap=lambda: "skip",
                        jitter=lambda: "5m",
                    ),
                    "with": self._with(),
                }
                for _ in range(self.random.randrange(3))
            },
        )

    def _step(self) -> dict[str, Any]:
        made: dict[str, Any] = self._one(self._docker, self._file, self._inline)()
        return made

    def _docker(self) -> dict[str, Any]:
        names = [f"team/web-{self.number}:{{{{.Run.ID}}}}", f"web-{self.number}:prod"]
        return {
            "docker": {
                "images": names,
                **self._some(
                    file=self._odd,
                    push=lambda: False,
                    args=lambda: {"VERSION": "1.10", "FLAG": "true", "EMPTY": ""},
                    secrets=self._references,
                    target=self._odd,
                    noCache=lambda: True,
                ),
            }
        }

    def _file(self) -> dict[str, Any]:
        more = self._some(
            values=self._odd,
            set=self._map,
            setSecret=self._references,
            repositories=lambda: ["web-api", "team/*"],
        )
        return {"file": {"path": "task.yaml", **more}}

    def _inline(self) -> dict[str, Any]:
        return {
            "inline": {
                "steps": [self._item() for _ in range(self._one(1, 3))],
                # With aliases from files of the context nobody can tell before a run what odd
                # steps come to: without, those that no run would start are not imported.
                "alias": {
                    "src": ["a.yaml"],
                    **self._some(values=lambda: {"x": self._odd()}, directive=lambda: "%"),
                },
                **self._some(
                    version=lambda: "v1.0.0",
                    env=lambda: [self._text(), "A=b"],
                    stepTimeout=lambda: 60,
                    workingDirectory=self._odd,
                    secrets=lambda: [
                        {"id": "a", "keyvault": "https://v.example/s", "clientID": "c"}
                    ],
                    networks=lambda: [
                        {
                            "name": self._odd(),
                            "driver": "bridge",
                            "ipv6": True,
                            "skipCreation": True,
                            "isDefault": True,
                        }
                    ],
                    volumes=lambda: [{"name": "v", "secret": {"a": "YQ=="}}],
                    values=lambda: {
                        "x": None,
                        "y": [1, True, 1.5, -2, {"z": self._text()}],
                        "e": {},
                    },
                    set=self._map,
                    setSecret=self._references,
                ),
            }
        }

    def _item(self) -> dict[str, Any]:
        kind = self._one(
            {"cmd": self._text()}, {"build": "-t $Registry/a:$ID ."}, {"push": ["a:1", self._odd()]}
        )
        return {
            **kind,
            **self._some(
                id=self._odd,
                when=lambda: ["-"],
                env=lambda: [self._text()],
                timeout=lambda: 5,
                startDelay=lambda: 1,
                retries=lambda: 0,
                retryOnErrors=lambda: [self._text()],
                repeat=lambda: 2,
                pull=lambda: True,
                detach=lambda: True,
                user=self._odd,
                ports=lambda: ["80:80"],
                workingDirectory=self._odd,
                volumeMounts=lambda: [{"name": "v", "mountPath": "/v"}],
                exitedWith=lambda: [0, 2],
                exitedWithout=lambda: [3],
                retryDelay=lambda: 1,
                cmdDownloadRetries=lambda: 2,
                cmdDownloadRetryDelay=lambda: 3,
                keep=lambda: True,
                ignoreErrors=lambda: True,
                privileged=lambda: True,
                network=self._odd,
                isolation=self._odd,
                cpus=lambda: "1.50",
                entryPoint=self._odd,
                expose=lambda: ["80"],
                disableWorkingDirectoryOverride=lambda: True,
                cache=self._odd,
            ),
        }
