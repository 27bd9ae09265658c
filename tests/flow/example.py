"""A task that uses every field of the format once."""

from __future__ import annotations

# ruff: noqa: E501  (long lines as people write them)
EXAMPLE = """\
apiVersion: reconciler/v1
kind: Task                       # also: Defaults (per folder), Policy, Waiver
metadata:
  name: web-api                  # 5-50 of [A-Za-z0-9-_]
  registry: contoso
  owner: team-web                # owner, contact, reviewBy, expires: demanded by policy
  contact: web@contoso.example
  reviewBy: 2027-06-30
  expires: null                  # the task's own end of life
  description: Builds the public API image
  runbook: https://wiki.contoso.example/web-api
  downstream: [aks-prod/web]
  labels: {tier: prod}
  movedFrom: [old-name]          # rename without destroy
spec:
  status: Enabled                # Enabled | Disabled
  compat: strict                 # strict | acb
  cache: null                    # enabled: layer cache in the registry
  dockerSocket: false            # mount the engine's socket into steps
  driftPolicy: keep              # keep | heal
  platform: linux/amd64          # any case; OS alone means amd64
  context:
    source: https://git.contoso.example/web.git#main:api
    visibility: public           # decides which token scopes are right
    token:                       # a reference, never a value;
      {secret: "env:GIT_PAT", kind: classic, scopes: ["repo:status", public_repo], expires: 2027-01-31}
                                 # kind, scopes, expires: declared, judged by policy
  step:                          # exactly one of docker | file | inline
    docker: {file: Dockerfile, images: ["web-api:{{.Run.ID}}"], push: true, args: {V: "1"}, secrets: {NPM: "env:NPM"}, target: null, noCache: false}
                                 # secrets are BuildKit mounts
    # file:   {path: task.yaml, values: values.yaml, set: {k: v}, setSecret: {k: "env:K"}}
    # inline: {version: v1.1.0, steps: [...]}
  triggers:                      # none unless declared
    commit:      {branch: main, paths: {include: ["api/**"], exclude: ["**/*.md"]}}
    pullRequest: {forks: deny}
    baseImage:   {type: Runtime, minInterval: 1h, with: {noCache: true}}
    timers:      {nightly: "0 3 * * *"}                   # or {schedule, status, missed, ...}
  identity: {type: UserAssigned, ids: [/subscriptions/0/identities/web]}
  credentials:
    source: {loginMode: Default, identity: null}          # the task's own registry
    registries: {docker.io: {username: {secret: "env:U"}, password: {secret: "env:P"}, identity: null}}
  agent: {cpu: 2, pool: null}
  network: {egress: any}         # any | none
  timeout: 3600                  # 300..28800
  retention: {logs: 30d, runs: 90d, archive: false}
  notify: [{on: [Failed, Timeout], url: {secret: "env:HOOK"}}]
  protect: true                  # prevent destroy
"""
