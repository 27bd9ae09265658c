# ruff: noqa: E501 - the tables read best with one case a line
"""Go templates: what they give, what they refuse and where, and that they stop."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.template.functions.catalogue import template_functions
from reconciler.taskfile.template.govalues import SecretText
from reconciler.taskfile.template.lookup import Closed
from reconciler.taskfile.template.render import render
from reconciler.taskfile.template.vault import Vault
from reconciler.taskfile.trace import Traced, untouched

NOW = datetime(2026, 11, 21, 3, 4, 5, 678000, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "a": "x,y",
    "n": 7,
    "f": 1.5,
    "no": "false",
    "l": [1, "b", None],
    "m": {"k": "v", "b": {"c": 2}},
    "empty": "",
}


def traced(text: str, *, strict: bool = True, vault: Vault | None = None) -> Traced:
    data = Closed(
        Run=Closed(ID="r1", Commit=""),
        Values=VALUES,
        Secrets=Closed(s=SecretText("hush")),
        RunJSON=lambda: "made",
    )
    return render(untouched(text), data, template_functions(NOW), vault or Vault(), strict=strict)


def shown(text: str, *, strict: bool = True) -> str:
    vault = Vault()
    return vault.reveal(traced(text, strict=strict, vault=vault).text)


GIVES = {
    "{{.Run.ID}}": "r1",
    "a {{ .Run.ID }} b": "a r1 b",
    "{{.RunJSON}}": "made",
    # blanks and comments
    "a \n {{- 1 -}} \n b": "a1b",
    "a {{/* no */}} b": "a  b",
    "a {{- /* no */ -}} b": "ab",
    "{{-3}}": "-3",
    "{{ `{{` }}": "{{",
    # literals
    r'{{ "a\tb\"\x41\u00e9" }}': 'a\tb"Aé',
    "{{ 'a' }}": "97",
    "{{ 0x1F }} {{ 0b11 }} {{ 017 }} {{ 1_000 }} {{ 1e3 }}": "31 3 15 1000 1000",
    "{{ 1.50 }} {{ true }}": "1.5 true",
    # printed forms
    "{{ .Values.l }} {{ .Values.m }} {{ .Values.f }}": "[1 b <nil>] map[b:map[c:2] k:v] 1.5",
    # branches
    "{{ if .Values.no }}yes{{ end }}": "yes",
    "{{ if .Values.empty }}1{{ else if .Values.gone }}2{{ else }}3{{ end }}": "3",
    "{{ with .Values.m }}{{ .k }}{{ $.Run.ID }}{{ end }}": "vr1",
    "{{ with .Values.empty }}1{{ else }}2{{ end }}": "2",
    "{{ with $x := 5 }}{{ $x }}{{ end }}": "5",
    "{{ range .Values.l }}[{{ . }}]{{ end }}": "[1][b][]",
    "{{ range $i, $e := splitList `,` .Values.a }}{{ $i }}{{ $e }};{{ end }}": "0x;1y;",
    "{{ range $k, $v := .Values.m }}{{ $k }};{{ end }}": "b;k;",
    "{{ range list }}1{{ else }}none{{ end }}": "none",
    "{{ range until 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}": "02",
    # variables
    "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ end }}{{ $x }}": "2",
    "{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}": "1",
    "{{ $m := .Values.m }}{{ $m.b.c }}": "2",
    "{{ (.Values.m).k }}": "v",
    # named templates
    "{{ define `t` }}<{{ . }}>{{ end }}{{ template `t` 5 }}": "<5>",
    "{{ block `t` .Run }}{{ .ID }}{{ end }}": "r1",
    "{{ $x := 1 }}{{ define `t` }}{{ $ }}{{ end }}{{ template `t` 5 }}{{ $x }}{{ $.Run.ID }}": "51r1",
    # logic
    "{{ and 1 0 2 }} {{ or 0 `` 3 }} {{ not 0 }}": "0 3 true",
    "{{ or .Values.gone `d` }} {{ .Values.gone | default `d` }}": "d d",
    "{{ default 1 0 }} {{ coalesce 0 `` 4 }} {{ ternary 1 2 true }} {{ empty .Values.gone }}": "1 4 1 true",
    "{{ eq 1 2 1 }} {{ ne `a` `b` }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt `b` `a` }} {{ ge 1 2 }}": "true true true true true false",
    "{{ eq .Values.n 7 }}": "true",
    # texts
    "{{ upper `a` }}{{ `B` | lower }}{{ trim ` c ` }}{{ title `d e` }}": "AbcD E",
    "{{ replace `a` `b` `aXa` }} {{ repeat 3 `ab` }} {{ trunc 2 `abc` }} {{ substr 1 3 `abcd` }}": "bXb ababab ab bc",
    "{{ trimSuffix `b` `ab` }}{{ trimPrefix `a` `ab` }}{{ trimAll `-` `-c-` }}": "abc",
    "{{ contains `a` `cat` }} {{ hasPrefix `a` `ab` }} {{ hasSuffix `a` `ab` }}": "true true false",
    '{{ quote `a"b` 1 }} {{ squote `c` }}': '"a\\"b" "1" \'c\'',
    "{{ b64enc `a` }} {{ b64dec `YQ==` }} {{ b64enc nil }}": "YQ== a ",
    "{{ join `-` (list 1 `b`) }} {{ splitList `,` .Values.a | last }} {{ (split `,` .Values.a)._1 }}": "1-b y y",
    "{{ indent 2 `a\nb` }}|{{ nindent 1 `a` }}": "  a\n  b|\n a",
    "{{ cat `a` 1 }} {{ snakecase `aB c` }} {{ camelcase `a_b` }} {{ kebabcase `aB` }}": "a 1 a_b_c AB a-b",
    "{{ sha256sum `a` | trunc 8 }} {{ plural `one` `many` 2 }}": "ca978112 many",
    "{{ print `a` 1 2 `b` }} {{ println 1 `x` }}": "a1 2b 1 x\n",
    "{{ printf `%s-%d %05.1f %q %v %x %t %%` `a` 3 1.25 `q` .Values.l 255 true }}": 'a-3 001.2 "q" [1 b <nil>] ff true %',
    # numbers
    "{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }} {{ add1 `4` }}": "6 3 6 3 1 5",
    "{{ div -7 2 }} {{ mod -7 2 }} {{ max 1 3 2 }} {{ min 3 1 }} {{ int `42` }} {{ int 1.9 }}": "-3 -1 3 1 42 1",
    "{{ floor 1.9 }} {{ ceil 1.1 }} {{ round 1.25 1 }} {{ float64 `1.5` }}": "1 2 1.3 1.5",
    "{{ until 3 }} {{ untilStep 1 8 3 }}": "[0 1 2] [1 4 7]",
    # lists and maps
    "{{ $l := list 1 2 3 }}{{ first $l }}{{ last $l }}{{ rest $l }}{{ initial $l }}{{ reverse $l }}": "13[2 3][1 2][3 2 1]",
    "{{ append (list 1) 2 }}{{ prepend (list 1) 2 }}{{ concat (list 1) (list 2) }}": "[1 2][2 1][1 2]",
    "{{ uniq (list 1 1 2) }}{{ without (list 1 2) 1 }}{{ has 1 (list 1) }}{{ compact (list 0 1 ``) }}": "[1 2][2]true[1]",
    "{{ slice (list 1 2 3) 1 }}{{ sortAlpha (list `b` `a`) }}{{ index .Values.l 1 }}{{ index .Values.m `b` `c` }}": "[2 3][a b]b2",
    "{{ $d := dict `a` 1 }}{{ $_ := set $d `b` 2 }}{{ $d }}{{ hasKey $d `b` }}{{ keys $d }}{{ (unset $d `a`) }}": "map[a:1 b:2]true[a b]map[b:2]",
    "{{ pick (dict `a` 1 `b` 2) `a` }}{{ omit (dict `a` 1 `b` 2) `a` }}{{ values (dict `a` 1) }}": "map[a:1]map[b:2][1]",
    "{{ len `é` }} {{ len .Values.l }} {{ kindOf 1 }} {{ kindIs `map` .Values.m }} {{ typeOf `a` }}": "2 3 int true string",
    "{{ toJson .Values.m }} {{ toJson `<a>` }}": '{"b":{"c":2},"k":"v"} "\\u003ca\\u003e"',
    "{{ untitle `Ab` }} {{ swapcase `aB` }} {{ nospace ` a b ` }} {{ initials `a b` }} {{ abbrev 5 `abcdefg` }}": "ab Ab ab ab ab...",
    "{{ wrap 3 `aa bb` }} {{ substr -1 2 `abc` }} {{ splitn `,` 2 `a,b,c` }} {{ toStrings (list 1 2) }}": "aa\nbb ab map[_0:a _1:b,c] [1 2]",
    "{{ b32enc `a` }} {{ b32dec `ME======` }} {{ sha1sum `a` | trunc 4 }} {{ adler32sum `a` }}": "ME====== a 86f7 6422626",
    "{{ urlquery `a b` }} {{ html `<a>` }} {{ base `/a/b.c` }} {{ dir `/a/b` }} {{ ext `a.b.c` }} {{ clean `a/../b` }} {{ isAbs `/a` }}": "a+b &lt;a&gt; b.c /a .c b true",
    "{{ int64 nil }} {{ int true }} {{ atoi `7` }} {{ deepEqual (list 1) (list 1) }} {{ toPrettyJson (list) }} {{ toRawJson `<` }}": '0 1 7 true [] "<"',
    "{{ typeIs `string` `a` }} {{ pluck `a` (dict `a` 1) (dict `b` 2) }} {{ tuple 1 }} {{ push (list) 1 }}": "true [1] [1] [1]",
    "{{ join `,` `a` }} {{ replace `` `-` `ab` }} {{ indent 0 `a` }} {{ mul 9223372036854775807 2 }}": "a -a-b- a -2",
    # time
    "{{ date `06 January Monday 3:4:5 pm .999 MST -0700 1/2` now }}": "26 November Saturday 3:4:5 am .678 UTC +0000 11/21",
    "{{ date `2006` 0 }}": "1970",
    "{{ now }} {{ list now | toJson }} {{ toRawJson now }}": '2026-11-21 03:04:05.678 +0000 UTC ["2026-11-21T03:04:05.678Z"] "2026-11-21T03:04:05.678Z"',
    "{{ now | date `2006-01-02 15:04:05.000 Mon Jan _2 3PM` }}": "2026-11-21 03:04:05.678 Sat Nov 21 3AM",
    "{{ htmlDate now }} {{ dateInZone `Z07:00` now `UTC` }} {{ unixEpoch now }}": "2026-11-21 Z 1795230245",
    # secrets
    "{{ .Secrets.s }} {{ upper .Secrets.s }} {{ len .Secrets.s }} {{ eq .Secrets.s `hush` }}": "hush HUSH 4 true",
    "{{ list .Secrets.s `x` | join `,` }} {{ printf `%s!` .Secrets.s | upper }} {{ quote .Secrets.s }}": 'hush,x HUSH! "hush"',
}


@pytest.mark.parametrize("text", GIVES)
def test_what_a_template_gives(text: str) -> None:
    assert shown(text) == GIVES[text]


REFUSES = {
    "{{": "1:1 the action is not closed",
    "\n {{ nosuch 1 }}": '2:5 there is no function "nosuch"',
    "{{ if true }}": "1:14 if is not ended",
    "{{ end }}": "1:1 end has nothing to end",
    "{{ else }}": "1:1 else has nothing to end",
    "{{ if 1 }}{{ else }}{{ else }}{{ end }}": "1:21 a second else",
    "{{}}": "1:1 the action is empty",
    "{{ $x }}": "1:4 the variable $x is not declared",
    "{{ if 1 }}{{ $x := 1 }}{{ end }}{{ $x }}": "1:36 the variable $x is not declared",
    "{{ 1 | 2 }}": "1:8 only a function can follow |",
    "{{ .Run.ID 1 }}": "1:4 only a function takes arguments",
    "{{ (1 }}": "1:4 the parenthesis is not closed",
    "{{ 1) }}": "1:5 ) cannot stand here",
    '{{ "a }}': "1:4 the text is not closed",
    "{{ `a }}": "1:4 the text is not closed",
    "{{/* a": "1:1 the comment is not closed",
    "{{ a.b }}": '1:4 there is no function "a"',
    "{{ 1..2 }}": "1:6 a blank is missing here",
    "{{ 99999999999999999999 }}": "1:4 the number is too big",
    "{{ break }}": "1:1 break stands outside of a range",
    "{{ template `t` }}": '1:1 there is no template "t"',
    "{{ define `t` }}{{ template `t` }}{{ end }}{{ template `t` }}": "1:17 templates use each other too deep",
    "{{ .Run.Id }}": "1:4 .Run.Id is not known",
    "{{ if .Run.Nope }}{{ end }}": "1:7 .Run.Nope is not known",
    "{{ .Nope }}": "1:4 .Nope is not known",
    "{{ .Secrets.q }}": "1:4 .Secrets.q is not known",
    "{{ .Values.gone }}": "1:1 .Values.gone is not given",
    "{{ .Values.gone.b }}": "1:4 .Values.gone is not given",
    "{{ .Values.gone | upper }}": "1:19 .Values.gone is not given, and upper needs it",
    "{{ eq .Values.gone 1 }}": "1:4 .Values.gone is not given, and eq needs it",
    "{{ range .Values.gone }}{{ end }}": "1:10 .Values.gone is not given",
    "{{ .Values.n.x }}": "1:4 .Values.n is a whole number and has no field x",
    "{{ .Secrets.s.x }}": "1:4 .Secrets.s is a text and has no field x",
    "{{ range 5 }}{{ end }}": "1:10 range cannot go over a whole number",
    "{{ eq 1 `1` }}": "1:4 eq: a whole number cannot be compared with a text",
    "{{ eq .Values.l 1 }}": "1:4 eq: a list cannot be compared with a whole number",
    "{{ upper 1 }}": "1:4 upper: a text is needed, not a whole number",
    "{{ upper }}": "1:4 upper takes 1 arguments, not 0",
    "{{ div 1 0 }}": "1:4 div: division by zero",
    "{{ add 1 `x` }}": "1:4 add: a whole number is needed, not a text",
    "{{ index .Values.l 9 }}": "1:4 index: 9 is outside of a list of 3",
    "{{ b64dec `!!` }}": "1:4 b64dec: the text is not base64",
    "{{ trunc -3 `a` }}": "1:4 trunc: the length is negative",
    "{{ slice `abc` 1 }}": "1:4 slice: a list is needed, not a text",
    "{{ fail `no` }}": "1:4 fail: no",
    "{{ indent -1 `a` }}": "1:4 indent: the count is negative",
    "{{ repeat -1 `a` }}": "1:4 repeat: the count is negative",
    "{{ b32dec `!` }}": "1:4 b32dec: the text is not base32",
    "{{ mod 1 0 }}": "1:4 mod: division by zero",
    "{{ float64 `x` }}": "1:4 float64: a number is needed, not a text",
    "{{ slice (list 1) 5 }}": "1:4 slice: 5:1 is outside of a list of 1",
    "{{ index 1 2 }}": "1:4 index: a whole number has no items",
    "{{ len 1 }}": "1:4 len: a whole number has no length",
    "{{ ternary 1 2 3 }}": "1:4 ternary: the last value is true or false",
    "{{ lt (list) (list) }}": "1:4 lt: a list has no order",
    "{{ date `2006` `x` }}": "1:4 date: a moment is needed: now, or seconds since 1970",
    "{{ date `2006` 99999999999999 }}": "1:4 date: the moment is out of range",
    "{{ dateInZone `2006` now `Mars` }}": "1:4 dateInZone: only the time zone UTC is known here",
    "{{ keys 1 }}": "1:4 keys: a map is needed, not a whole number",
    "{{ and }}": "1:4 and takes 1 or more arguments, not 0",
    "{{ env `HOME` }}": "1:4 env cannot be used: it would read the machine that runs it",
    "{{ expandenv `$HOME` }}": "1:4 expandenv cannot be used: it would read the machine that runs it",
    "{{ regexMatch `a` `b` }}": "1:4 regexMatch cannot be used: it is not available here",
    "{{ toYaml 1 }}": '1:4 there is no function "toYaml"',
    "{{ repeat 9999999 `abc` }}": "1:4 repeat: the result has more than 1,000,000 characters",
    "{{ until 9999999 }}": "1:4 until: the result has more than 100,000 items",
    "{{ printf `%999999d` 1 }}": "1:4 printf: a width is at most 1000",
    "{{ range until 90000 }}0123456789abc{{ end }}": "1:24 the text gets longer than 1,000,000 characters",
    "{{ range until 90000 }}{{ range until 90000 }}{{ end }}{{ end }}": "1:24 this takes too much work",
    "{{ if 1 }}" * 70 + "{{ end }}" * 70: "1:601 blocks are nested deeper than 60 levels",
    "{{ " + "(" * 40 + "1" + ")" * 40 + " }}": "1:34 parentheses are nested too deep",
}


@pytest.mark.parametrize("text", REFUSES, ids=[text[:40] for text in REFUSES])
def test_what_a_template_refuses_and_where(text: str) -> None:
    with pytest.raises(Fault) as caught:
        traced(text)
    fault = caught.value
    message = fault.message.removeprefix("template: ")
    assert f"{fault.line}:{fault.column} {message}" == REFUSES[text]


LENIENT = {
    "[{{ .Values.gone }}{{ .Run.Nope }}{{ .Nope }}]": "[]",
    "{{ if eq .Values.gone 1 }}1{{ else }}2{{ end }}": "2",
    "{{ range .Values.gone }}1{{ end }}": "",
    "{{ b64enc .Values.gone }}{{ print .Values.gone }}{{ quote .Values.gone }}": "<nil>",
    "{{ b64dec `!!` }}": "illegal base64 data at input byte 0",
    "{{ int `x` }}": "0",
}


@pytest.mark.parametrize("text", LENIENT)
def test_what_the_engine_makes_of_missing_values(text: str) -> None:
    assert shown(text, strict=False) == LENIENT[text]


@pytest.mark.parametrize(
    "text", ["{{ .Values.a.b }}", "{{ .Foo.Bar }}", "{{ .Values.gone | upper }}"]
)
def test_what_the_engine_refuses_too(text: str) -> None:
    with pytest.raises(Fault):
        traced(text, strict=False)


def test_a_near_name_is_suggested() -> None:
    for text, fix in [
        ("{{ .Run.Comit }}", "did you mean .Run.Commit?"),
        ("{{ uper `a` }}", 'did you mean "upper"?'),
        ("{{ .Values.aa }}", "did you mean .Values.a?"),
    ]:
        with pytest.raises(Fault) as caught:
            traced(text)
        assert caught.value.fix == fix


def test_every_line_knows_where_it_came_from() -> None:
    text = "a\n{{ range until 2 -}}\nb{{ . }}\n{{ end }}c\n{{ `x\ny` }}\nd"
    found = traced(text)
    assert list(zip(found.text.split("\n"), found.lines, strict=True)) == [
        *[("a", 1), ("b0", 3), ("b1", 3), ("c", 4), ("x", 5), ("y", 5), ("d", 7)],
    ]


def test_the_secret_itself_never_stands_in_the_rendered_text() -> None:
    vault = Vault()
    found = traced("{{ .Secrets.s }} {{ upper .Secrets.s }} {{ .Secrets }}", vault=vault)
    assert "hush" not in found.text.lower()
    assert vault.hide(found.text) == "*** *** map[s:***]"


@pytest.mark.parametrize(
    "text",
    [
        "{{ $d := dict }}{{ range until 40 }}{{ $_ := set $d `x` (list $d $d) }}{{ end }}",
        "{{ $l := list 1 }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}{{ $l }}",
        "{{ $l := list }}{{ range until 900 }}{{ $l = list $l }}{{ end }}{{ $l }}",
        "{{ $d := dict }}{{ $l := list }}{{ range until 999 }}{{ $l = append $l $d }}{{ end }}{{ range until 999 }}{{ $_ := set $d (printf `%d` .) . }}{{ end }}{{ $l }}",
    ],
)
def test_values_that_grow_without_end_are_refused(text: str) -> None:
    with pytest.raises(Fault):
        traced(text)


def test_the_data_as_a_whole_can_be_shown() -> None:
    assert shown("{{ . }}").startswith(
        "map[Run:map[Commit: ID:r1] RunJSON:made Secrets:map[s:hush]"
    )


def test_what_is_near_by_chance_and_what_cannot_be_used_is_not_suggested() -> None:
    for text, fix in [
        ("{{ nosuch }}", "a text stands in quotes"),
        ("{{ regexMatc `a` }}", "a text stands in quotes"),
        ("{{ toYaml 1 }}", "Helm has it, task files do not: they have Go's and Sprig's functions"),
        ("{{ get 1 }}", "Helm has it, task files do not: they have Go's and Sprig's functions"),
        ("{{ lowercase `A` }}", 'did you mean "lower"?'),
    ]:
        with pytest.raises(Fault) as caught:
            traced(text)
        assert caught.value.fix == fix


def test_every_uuid_is_another_one_and_the_same_seed_gives_the_same() -> None:
    def made(seed: bytes) -> list[str]:
        functions = template_functions(NOW, seed)
        text = untouched("{{ uuidv4 }} {{ uuidv4 }}")
        return render(text, Closed(), functions, Vault(), strict=True).text.split()

    first, second = made(b"a")
    assert first != second
    assert made(b"a") == [first, second]
    assert made(b"b") != [first, second]
    assert uuid.UUID(first).version == 4
    with pytest.raises(Fault, match="no randomness"):
        traced("{{ uuidv4 }}")
