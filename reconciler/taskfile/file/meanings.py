"""What each key of a task file means, in a sentence, for editors and the reference. Data only.

Source: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

OF_TASKS: dict[str, str] = {
    "version": "Version of the language. Aliases need v1.1.0; without it, v1.0.0 is meant.",
    "steps": "What is done. Each step waits for the one before it, unless `when` says otherwise.",
    "stepTimeout": "Seconds that a step without `timeout` may take; 600 unless given.",
    "workingDirectory": "Folder that steps start in; a relative one lies in /workspace.",
    "env": 'Variables of all steps, as NAME=value. A text may hold several: "A=1,B=2".',
    "secrets": "Secrets that are read from vaults before the first step: {{ .Secrets.ID }}.",
    "networks": "Networks of the run. Without any, one network joins all steps.",
    "volumes": "Volumes of secret files, for `volumeMounts` of steps.",
    "alias": "Own aliases: $NAME stands for a text. Needs version v1.1.0.",
}
OF_STEPS: dict[str, str] = {
    "id": "Name of the step: for `when`, and as host name on the network. Unique.",
    "cmd": "The image and the words for it. They are split as a shell would; no shell runs them.",
    "build": "Words of a `docker build`: tags, flags and the context. Nothing is pushed.",
    "push": "Images to push, in order; :latest is added where no tag is written.",
    "when": 'Earlier steps to wait for; ["-"] starts at once. Without it: the step before.',
    "timeout": "Seconds that the step may take, all attempts together; 0: stepTimeout.",
    "startDelay": "Seconds to wait before the step; not part of its timeout.",
    "ignoreErrors": "The run goes on when the step fails; the record keeps its real result.",
    "cache": "enabled keeps the layers of this build in the registry. Only for build.",
    "retries": "How often the step is tried again after it failed. Not for push.",
    "retryDelay": "Seconds between two attempts; 5 unless given. Not for push.",
    "retryOnErrors": "Try again only if the output holds one of these texts. Not for push.",
    "repeat": "How many times more the step is done, even if it worked. Not for push.",
    "keep": "Keep the container until the run ends. Only for cmd.",
    "network": "Network of the step, instead of the default one. A build obeys none only.",
    "env": "Variables of the step, NAME=value; they win over the task's. Not for push.",
    "workingDirectory": "Folder that the step starts in; a relative one lies in /workspace.",
    "disableWorkingDirectoryOverride": "Start in the image's own folder.",
    "volumeMounts": "Volumes and where they are seen in the step. Only for cmd.",
    "detach": "Go on as soon as the container runs; it is stopped at the end. Only for cmd.",
    "cmdDownloadRetries": "How often pulling the image is tried again. Only for cmd with pull.",
    "cmdDownloadRetryDelay": "Seconds between two attempts to pull. Only for cmd with pull.",
    "pull": "Pull the image before, even if the engine has it. Only for cmd.",
    "privileged": "Give the container all rights; only where the spec allows it. Only for cmd.",
    "user": "User, and group, that the container runs as: NAME or UID:GID. Only for cmd.",
    "isolation": "How a container of Windows is isolated. Only for cmd.",
    "cpus": 'How many processors it may use, e.g. "1.5". Only for cmd.',
    "entryPoint": "Program that runs instead of the image's own. Only for cmd.",
    "ports": "Ports to publish on the engine: PORT or HOST_PORT:PORT. Only for cmd.",
    "expose": "Ports to declare as used. Only for cmd.",
    "exitedWith": "Only these exit codes are success. Only for cmd.",
    "exitedWithout": "Every exit code but these is success. Only for cmd.",
}
OF_MAPS: dict[str, dict[str, str]] = {
    "mount": {
        "name": "A volume of the file.",
        "mountPath": "Where it is seen in the step.",
    },
    "secret": {
        "id": "Name of the secret in templates: {{ .Secrets.ID }}.",
        "keyvault": "https://VAULT/secrets/NAME, or with /VERSION behind it.",
        "akv": "The older word for keyvault.",
        "clientID": "Client id of the identity that reads it; without it, the machine's own.",
    },
    "network": {
        "name": "Name of the network.",
        "driver": "Driver of the network; without it, the engine's default.",
        "ipv6": "Give it IPv6 addresses.",
        "skipCreation": "It exists already: neither make nor remove it.",
        "isDefault": "Steps without `network` join it. The last one that says so wins.",
    },
    "volume": {
        "name": "Name of the volume, for volumeMounts.",
        "secret": "File names and their bytes in base64, or {{ .Secrets.ID | b64enc }}.",
    },
    "alias": {
        "src": "Files of the context with more aliases, NAME: text. Later ones win.",
        "values": "Names (letters and digits) and what they stand for.",
        "directive": "The one character before a name; $ unless given.",
    },
}
