"""Every template function by name, those that are refused too. Calls none.

Not there: what reads the machine (`env`, `expandenv`, `getHostByName`), what makes random words or
keys, and regular expressions, which cannot be bounded here.
"""

from __future__ import annotations

from datetime import datetime

from reconciler.taskfile.template.functions.encodings import ENCODING_FUNCTIONS
from reconciler.taskfile.template.functions.kit import Function
from reconciler.taskfile.template.functions.lists import LIST_FUNCTIONS
from reconciler.taskfile.template.functions.logic import LOGIC_FUNCTIONS
from reconciler.taskfile.template.functions.maps import MAP_FUNCTIONS
from reconciler.taskfile.template.functions.numbers import NUMBER_FUNCTIONS
from reconciler.taskfile.template.functions.printing import PRINT_FUNCTIONS
from reconciler.taskfile.template.functions.randoms import random_functions
from reconciler.taskfile.template.functions.texts import TEXT_FUNCTIONS
from reconciler.taskfile.template.functions.times import time_functions

_READS_THE_MACHINE = ("env", "expandenv", "getHostByName")
_NOT_HERE = (
    *(
        "randAlpha",
        "randAlphaNum",
        "randAscii",
        "randNumeric",
        "shuffle",
        "genPrivateKey",
    ),
    *("genCA", "genSelfSignedCert", "genSignedCert", "derivePassword", "htpasswd", "bcrypt"),
    *("encryptAES", "decryptAES", "buildCustomCert", "regexMatch", "regexFind", "regexFindAll"),
    *("regexReplaceAll", "regexReplaceAllLiteral", "regexSplit", "semver", "semverCompare"),
    *("urlParse", "urlJoin", "merge", "mergeOverwrite", "ago", "toDate", "dateModify", "duration"),
    *("date_modify", "durationRound", "wrapWith", "deepCopy", "call", "js", "osBase", "osDir"),
)

_ALWAYS = {
    **TEXT_FUNCTIONS,
    **PRINT_FUNCTIONS,
    **ENCODING_FUNCTIONS,
    **NUMBER_FUNCTIONS,
    **LIST_FUNCTIONS,
    **MAP_FUNCTIONS,
    **LOGIC_FUNCTIONS,
}


def template_functions(now: datetime | None, seed: bytes | None = None) -> dict[str, Function]:
    """All functions for a run that starts `now`, its random values made from `seed`."""
    refused = {
        name: _refused("it would read the machine that runs it") for name in _READS_THE_MACHINE
    }
    missing = {name: _refused("it is not available here") for name in _NOT_HERE}
    return {**_ALWAYS, **time_functions(now), **random_functions(seed), **refused, **missing}


def _refused(why: str) -> Function:
    return Function(lambda *_: None, refused=why)
