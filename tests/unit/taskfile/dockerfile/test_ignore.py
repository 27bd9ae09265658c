"""The rules of .dockerignore, as Docker documents them."""

from __future__ import annotations

import pytest

from reconciler.taskfile.dockerfile.ignore import IgnoreWrong, for_old_clients, parse_ignore


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("node_modules", "node_modules/a/b.js", True),
        ("node_modules/", "node_modules/a", True),
        ("/node_modules", "node_modules/a", True),
        ("node_modules", "src/node_modules/a", False),
        ("**/node_modules", "node_modules/a", True),
        ("**/node_modules", "src/x/node_modules/a", True),
        ("*", "src/a", True),
        ("*\n!src", "src/a", False),
        ("!a.txt\n*.txt", "a.txt", True),
        ("*.txt\n!a.txt", "a.txt", False),
        ("*.txt", "sub/a.txt", False),
        ("*/*.txt", "sub/a.txt", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a]x", "ax", False),
        ("# a comment\n\n  ", "# a comment", False),
        ("\ufeffa", "a", True),
        ("a/./b/../c", "a/c", True),
        ("../a", "a", False),
        ("/../a", "a", True),
        (" # no comment", "# no comment", True),
        ("a**b", "axb", False),
        ("a**b", "ab", True),
        ("a**b", "ax/b", True),
        ("**foo", "xfoo", True),
        ("**/foo", "xfoo", False),
        ("a/**", "a", False),
        ("a**", "ab/c", True),
        ("a\n!a/x\n*", "a/x", False),
        ("a\n!a/x\n*", "a/y", True),
        ("*\n!**/keep", "a/b/keep", False),
        ("a{b}", "a{b}", True),
        (".", "a", False),
        ("/", "a", False),
        ("a\r\n!a\r", "a", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("src/**/test", "src/test", True),
        ("src/**/test", "src/a/b/test", True),
        ("docs/**", "docs/a/b", True),
        ("a.b", "axb", False),
        ("e[[]1", "e[1", True),
        ("e[a&&b]1", "e&1", True),
        ("x[[:alpha:]]", "xq", True),
        ("a(b|c)+*", "a(b|c)+d", True),
        ("a(b|c)+*", "abd", False),
        ("a*\udcff", "ab\udcff", True),
        ("a?b", "a\nb", True),
        ("\u00fc?", "\u00fcx", True),
    ],
)
def test_a_path_is_left_out_or_kept(rules: str, path: str, ignored: bool) -> None:
    assert parse_ignore(rules).ignored(path) is ignored


@pytest.mark.parametrize(
    "pattern", ["[z-a]", "[", "[]", "[^]", "[a", "a\\", "!", "! ", "!/", "[-]"]
)
def test_a_pattern_that_cannot_be_read_is_told_with_its_line(pattern: str) -> None:
    with pytest.raises(IgnoreWrong) as caught:
        parse_ignore(f"a\n\n{pattern}\nb")
    assert caught.value.line == 3


@pytest.mark.timeout(30)
def test_a_pattern_made_to_be_slow_is_not() -> None:
    rules = parse_ignore("*a" * 14 + "*b")
    assert not any(rules.ignored("a" * length) for length in range(200))


@pytest.mark.filterwarnings("error")
def test_a_pattern_that_only_python_finds_odd_gives_no_warning() -> None:
    assert parse_ignore("e[[]1\ne[a&&b]").ignored("e[1")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a\n" * 5_001, 5_001, "more than 5,000 patterns"),
        ("a\n" + "*" * 1_025, 2, "a pattern of more than 1,024 characters"),
    ],
)
def test_more_rules_than_anybody_needs_are_told(text: str, line: int, why: str) -> None:
    with pytest.raises(IgnoreWrong) as caught:
        parse_ignore(text)
    assert (caught.value.line, caught.value.why) == (line, why)


@pytest.mark.parametrize(
    ("line", "spelled"),
    [
        ("a+b", "a\\+b"),
        ("!(a|b)*", "!\\(a\\|b\\)*"),
        ("**.txt", "**/*.txt"),
        ("**/x", "**/x"),
        ("a^b", "a\\^b"),
        ("a^*", "a^*"),
        ("a\\+", "a\\+"),
        ("# a+b", "# a+b"),
        ("", ""),
        ("!", "!"),
    ],
)
def test_old_clients_are_given_the_same_rules(line: str, spelled: str) -> None:
    assert for_old_clients(line) == spelled
    if line != "!":
        first, then = parse_ignore(line), parse_ignore(for_old_clients(line))
        for path in ("a+b", "aab", "(a|b)c", "x.txt", "s/x.txt", "s/x", "a^b", "a+"):
            assert first.ignored(path) is then.ignored(path)


def test_rules_that_bring_back_are_known() -> None:
    assert parse_ignore("*\n!a").restores_any
    assert not parse_ignore("*").restores_any


@pytest.mark.parametrize("line", ["a\\", "*/a\\", "**\\", ".*\\", "a*[", "[-a]"])
def test_what_docker_cannot_read_is_refused(line: str) -> None:
    with pytest.raises(IgnoreWrong):
        parse_ignore(line)


# As the docker client answered: behind a `*` that does not come to it a backslash may stand alone.
@pytest.mark.parametrize(
    ("line", "gone"),
    [
        ("a/**/a\\", ["a/a$", "a/a$z", "a/x/a$"]),
        ("a/*/a\\", ["a/x/a$"]),
        ("a*\\", []),
    ],
)
def test_a_backslash_at_the_end_means_a_dollar(line: str, gone: list[str]) -> None:
    paths = ["a/a", "a/a$", "a/a$z", "a/x/a$", "a/x/a\\", "x$"]
    assert [path for path in paths if parse_ignore(line).ignored(path)] == gone
