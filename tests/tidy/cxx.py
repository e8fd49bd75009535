"""Just enough C++ for the rules: blanked comments and strings, matched brackets, blocks, functions, lambdas. Heuristic, not a parser."""

import re
from dataclasses import dataclass

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
_TOKEN = re.compile(
    r'//[^\n]*(?:\\\n[^\n]*)*|/\*.*?\*/|'                         # comments
    r'(?:u8|[uUL])?R"([^()\\\s]{0,16})\(.*?\)\1"|'                  # raw strings
    r'"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',  # strings and characters, but not digit separators
    re.DOTALL)


def blank(text):
    """The text with the insides of comments, strings and characters replaced by spaces; line breaks and offsets stay."""

    def replace(match):
        token = match.group(0)
        keep = '"' if token.endswith('"') else " "
        inner = "".join(character if character == "\n" else " " for character in token)
        return keep + inner[1:-1] + keep if keep == '"' and len(token) >= 2 else inner

    return _TOKEN.sub(replace, text)


def includes(text):
    """(line number, is_quoted, path) of every #include that is not in a comment."""
    blanked = blank_comments(text)
    for match in INCLUDE.finditer(blanked):
        yield line_of(text, match.start(2)), match.group(1) == '"', match.group(2)


def blank_comments(text):
    def replace(match):
        token = match.group(0)
        if token.startswith("/"):
            return "".join(character if character == "\n" else " " for character in token)
        return token

    return _TOKEN.sub(replace, text)


def blank_strings(text):
    """Blanks strings and characters; comments stay."""

    def replace(match):
        token = match.group(0)
        return token if token.startswith("/") else "".join(character if character == "\n" else " " for character in token)

    return _TOKEN.sub(replace, text)


def blank_directives(text):
    """Blanks preprocessor lines (with their continuations), whose brackets need not match."""
    return re.sub(r"^[ \t]*#[^\n]*(?:\\\n[^\n]*)*", lambda match: re.sub(r"[^\n]", " ", match.group(0)), text, flags=re.MULTILINE)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


@dataclass
class Bracket:
    opening: int
    closing: int
    kind: str            # ( [ or {
    parent: object = None
    is_block: bool = False


def _previous(text, offset):
    """Offset of the last character before `offset` that is not white space, or -1."""
    index = offset - 1
    while index >= 0 and text[index].isspace():
        index -= 1
    return index


def _word_before(text, offset):
    """The identifier that ends right before `offset` (white space skipped) and where it starts."""
    end = _previous(text, offset) + 1
    start = end
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return text[start:end], start


_BLOCK_WORDS = {"else", "do", "try", "const", "noexcept", "override", "final", "mutable", "constexpr", "consteval", "namespace", "extern",
                "export", "union", "struct", "class", "enum"}
_TYPE_HEAD = re.compile(r"(?:\b(?:namespace|struct|class|union|enum)\b[^;{}=]*)$")
_REFERENCE_QUALIFIED = re.compile(r"\)\s*(?:const\s*)?&&?$")
_TRAILING_TYPE = re.compile(r"\)[^;{}()]*->\s*[\w:<>,&*\s\[\]]+$|\]\s*->\s*[\w:<>,&*\s]+$")


def _is_block(text, opening):
    """Whether the `{` at `opening` begins a block of statements or declarations, not a braced initialiser."""
    index = _previous(text, opening)
    if index < 0 or text[index] in ";{}:":
        # `a_{1} {`, `label: {`, or the start of the file. After `}` of an initialiser this is a constructor's body.
        return True
    if text[index] in ")]":
        return True
    if text[index] == "&":
        return _REFERENCE_QUALIFIED.search(text[max(0, index - 40):index + 1]) is not None
    if text[index] in "=,(?|+-*/%!<":
        return False
    word, _ = _word_before(text, opening)
    if word == "return" or word.startswith("co_"):
        return False
    if word in _BLOCK_WORDS:
        return True
    head = text[max(0, opening - 400):opening]
    cut = max(head.rfind(";"), head.rfind("}"))
    if _TRAILING_TYPE.search(head[cut + 1:]):
        return True
    cut = max(cut, head.rfind("{"))
    if text[index] == '"':
        return re.search(r'\bextern\s*"[^"]*"$', head[cut + 1:].rstrip()) is not None
    return _TYPE_HEAD.search(head[cut + 1:]) is not None


def brackets(text):
    """Every matched bracket of blanked text, in order of opening, with its parent."""
    text = blank_directives(text)
    found, stack = [], []
    closing_of = {"(": ")", "[": "]", "{": "}"}
    for offset, character in enumerate(text):
        if character in "([{":
            bracket = Bracket(offset, len(text), character, stack[-1] if stack else None)
            bracket.is_block = character == "{" and _is_block(text, offset)
            found.append(bracket)
            stack.append(bracket)
        elif character in ")]}":
            while stack and closing_of[stack[-1].kind] != character:
                stack.pop()
            if stack:
                stack.pop().closing = offset
    return found


@dataclass
class Function:
    name: str
    first_line: int
    last_line: int

    @property
    def lines(self):
        return self.last_line - self.first_line + 1


_NOT_FUNCTION = re.compile(r"^\s*(?:(?:inline|export)\s+)*(?:namespace|extern|struct|class|union|enum)\b")


def _is_scope(text, bracket, header):
    return _NOT_FUNCTION.match(re.sub(r"template\s*<.*?>(?=\s*(?:struct|class|union))", "", header, flags=re.DOTALL)) is not None


def functions(text):
    """The functions with a body at namespace or class scope: brace counting, lambdas belong to the function they are in."""
    blanked = blank_directives(blank(text))
    all_brackets = brackets(blanked)
    children = {}
    for bracket in all_brackets:
        children.setdefault(id(bracket.parent) if bracket.parent else None, []).append(bracket)

    def visit(parent):
        scope_start = parent.opening + 1 if parent else 0
        header_start = scope_start
        for bracket in children.get(id(parent) if parent else None, []):
            between = blanked[header_start:bracket.opening]
            if ";" in between:
                header_start = header_start + between.rfind(";") + 1
            if not bracket.is_block:
                continue
            header = blanked[header_start:bracket.opening]
            if _is_scope(blanked, bracket, header):
                yield from visit(bracket)
            elif "(" in header:
                if _continues(blanked, bracket):
                    continue  # an initialiser such as `a_{1}` that looked like a block
                start = header_start + len(header) - len(header.lstrip())
                yield Function(_name(header), line_of(blanked, start), line_of(blanked, bracket.closing))
            header_start = bracket.closing + 1

    yield from visit(None)


def _name(header):
    for match in re.finditer(r"(operator\s*\(\)|operator[^\s(]+|[\w:~]+)\s*\(", header):
        if match.group(1) not in ("requires", "__attribute__", "noexcept", "decltype"):
            return match.group(1)
    return "?"


def _continues(text, bracket):
    rest = text[bracket.closing + 1:bracket.closing + 40].lstrip()
    return rest.startswith((",", "{"))


@dataclass
class Lambda:
    opening: int        # of the capture list
    captures: str
    body: Bracket = None


def lambdas(blanked, all_brackets):
    """Lambda expressions, found by their capture lists."""
    by_opening = {bracket.opening: bracket for bracket in all_brackets}
    for bracket in all_brackets:
        if bracket.kind != "[":
            continue
        before = _previous(blanked, bracket.opening)
        if before >= 0 and (blanked[before].isalnum() or blanked[before] in "_)]["):
            word, _ = _word_before(blanked, bracket.opening)
            if word not in ("return", "co_await", "co_return", "co_yield"):
                continue
        if blanked[bracket.opening + 1:bracket.opening + 2] == "[":
            continue
        rest = blanked[bracket.closing + 1:]
        head = re.match(r"\s*(?:<[^;{}()]*>\s*)?(\(|\{|mutable\b|noexcept\b|->)", rest)
        if not head:
            continue
        opening = _lambda_body(blanked, by_opening, bracket.closing + 1)
        yield Lambda(bracket.opening, blanked[bracket.opening + 1:bracket.closing].strip(), by_opening.get(opening))


def _lambda_body(text, by_opening, offset):
    """The `{` of the lambda whose capture list ended before `offset`."""
    while offset < len(text):
        if text[offset] == "{":
            return offset
        if text[offset] in ";)}]":
            return None
        offset = by_opening[offset].closing + 1 if offset in by_opening else offset + 1
    return None
