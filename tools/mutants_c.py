"""Finds possible slips in a C file (see mutants.py), and writes the file with some of them planted.

It parses tokens, brackets and statements, as clang-format lays them out, but no types. A slip may not compile, which
the compiler detects later. Preprocessor lines count as blanks, and nothing outside of a function body is changed.
"""

import re

TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:\\\n|[^\n])*)
    |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    |(?P<word>[A-Za-z_]\w*)
    |(?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
    |(?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\s\w])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

TYPE_WORDS = set(
    "bool char const double enum extern float inline int long register short signed static struct typedef union "
    "unsigned void volatile _Static_assert _Alignas".split()
)
ERRNOS = "EINVAL EIO ENOMEM EAGAIN EPIPE ECONNRESET ENOBUFS ESTALE ENOTCONN ECANCELED ETIMEDOUT".split()
# A limit that is off by one.
BOUNDS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPEN = {"(": ")", "[": "]", "{": "}"}


class Slip:
    """One change: `text` replaces the tokens from `first` up to `last`."""

    def __init__(self, kind, first, last, text, what, is_statement):
        self.kind = kind
        self.first = first
        self.last = last
        self.text = text
        self.what = what
        self.is_statement = is_statement
        self.name = ""
        self.number = 0


class Source:
    """The tokens of a C file, and the possible slips in its functions."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.tokens = []  # (text, offset), without blanks
        for match in TOKEN.finditer(text):
            if match.lastgroup != "blank":
                self.tokens.append((match.group(), match.start()))
        self.partner = self._brackets()
        self.slips = []
        self.function = ""
        names = {}
        for first, name in self._functions():
            self.function = name
            begin = len(self.slips)
            self._block(first)
            for slip in self.slips[begin:]:
                slip.name = "%s %s %s" % (path, name, slip.what)
                names[slip.name] = names.get(slip.name, 0) + 1
                if names[slip.name] > 1:
                    slip.name += " #%d" % names[slip.name]

    def _brackets(self):
        partner, stack = {}, []
        for i, (token, _) in enumerate(self.tokens):
            if token in OPEN:
                stack.append(i)
            elif token in (")", "]", "}"):
                partner[stack[-1]] = i
                partner[i] = stack.pop()
        return partner

    def _token(self, i):
        return self.tokens[i][0]

    def _functions(self):
        i = 0
        while i < len(self.tokens):
            if self._token(i) == "{":
                if i > 0 and self._token(i - 1) == ")":
                    yield i, self._token(self.partner[i - 1] - 1)
                i = self.partner[i]
            i += 1

    def source(self, first, last):
        """Returns the text of the tokens from first up to last, on one line."""
        begin = self.tokens[first][1]
        end = self.tokens[last - 1][1] + len(self._token(last - 1))
        text = re.sub(r"//[^\n]*|^[ \t]*#(?:\\\n|[^\n])*", " ", self.text[begin:end], flags=re.MULTILINE)
        return re.sub(r"\s+", " ", text)

    def line(self, slip):
        return self.text.count("\n", 0, self.tokens[slip.first][1]) + 1

    def _has_directive(self, first, last):
        return re.search(r"^[ \t]*#", self.text[self.tokens[first][1] : self.tokens[last - 1][1]], re.MULTILINE)

    # Statements

    def _block(self, i):
        """Parses a block from its brace on. Returns the index after the block."""
        end = self.partner[i]
        i += 1
        last = None  # the previous simple statement, if it can be swapped with the next one
        while i < end:
            first = i
            i = self._statement(i)
            simple = self._simple(first, i)
            if last and simple and last[2] == simple[2] == "call":
                one, two = self.source(*last[:2]), self.source(*simple[:2])
                if one != two:
                    self._add("swap", last[0], i, "%s %s" % (two, one), "`%s %s` swapped" % (one, two), True)
            last = simple
        return end + 1

    def _statement(self, i):
        token = self._token(i)
        if token == "{":
            return self._block(i)
        if token in ("if", "while", "for", "switch"):
            close = self.partner[i + 1]
            if token != "switch":
                self._condition(token, i + 2, close)
            if token == "while" and self._token(close + 1) == ";":
                return close + 2
            i = self._statement(close + 1)
            if token == "if" and i < len(self.tokens) and self._token(i) == "else":
                i = self._statement(i + 1)
            return i
        if token == "do":
            i = self._statement(i + 1)
            return self.partner[i + 1] + 2
        if token in ("case", "default") or (self._token(i + 1) == ":" and token[0].isalpha()):
            while self._token(i) != ":":
                i += 1
            return i + 1
        end = i
        while self._token(end) != ";":
            end = self.partner[end] + 1 if self._token(end) in OPEN else end + 1
        self._simple_slips(i, end)
        return end + 1

    def _simple(self, first, after):
        """Returns (first, after, kind) if a statement is one call, count or flag; otherwise None."""
        if self._token(after - 1) != ";":
            return None
        kind = self._kind(first, after - 1)
        return (first, after, kind) if kind else None

    def _kind(self, first, end):
        """Returns the kind of a statement without its semicolon: a call, a count, a flag, or None.

        Locks do not count: leaving one out is a race, which ThreadSanitizer finds and a plain test does not.
        """
        if [self._token(i) for i in range(first, min(first + 3, end))] == ["(", "void", ")"]:
            first += 3
        if end - first >= 3 and self._token(end - 1) == ")":
            name = self._token(self.partner[end - 1] - 1)
            whole = self.partner[end - 1] - 1 == first
            through = all(
                self._token(i) in (".", "->") or re.match(r"\w", self._token(i))
                for i in range(first, self.partner[end - 1])
            )
            if (whole or (through and self._token(first + 1) in (".", "->"))) and re.match(r"(?!va_|pthread_mutex_lock)[a-z]", name):
                return "call"
            return None
        tokens = [self._token(i) for i in range(first, end)]
        if not tokens:
            return None
        if "++" in (tokens[0], tokens[-1]) or "--" in (tokens[0], tokens[-1]):
            return "count"
        if self._is_declaration(first, end):
            return None
        assign = self._assignment(first, end)
        if assign and self._token(assign) in ("+=", "-="):
            return "count"
        if assign and self._token(assign) == "=" and assign == end - 2:
            if re.match(r"true$|false$|0$|NULL$|[A-Z][A-Z_0-9]+$", tokens[-1]):
                return "flag"
        return None

    def _is_declaration(self, first, end):
        one, two = self._token(first), self._token(first + 1) if first + 1 < end else ""
        return one in TYPE_WORDS or bool(re.match(r"[A-Za-z_]", one) and (re.match(r"\w", two) or two == "*"))

    def _assignment(self, first, end):
        i = first
        while i < end:
            if re.match(r"([-+*/%&|^]|<<|>>)?=$", self._token(i)):
                return i
            i = self.partner[i] + 1 if self._token(i) in OPEN else i + 1
        return None

    def _simple_slips(self, first, end):
        token = self._token(first)
        if token in ("break", "continue", "goto", ";") or end == first or token.isupper():
            return
        if token == "return":
            if end > first + 1:
                self._expression(first + 1, end)
            return
        kind = self._kind(first, end)
        if kind:
            self._add(kind, first, end + 1, "", "`%s` left out" % self.source(first, end + 1), True)
        assign = self._assignment(first, end)
        if self._is_declaration(first, end):
            if token != "static" and assign and self._token(assign + 1) != "{" and not self._comma(assign, end):
                self._expression(assign + 1, end)
        elif assign:
            self._expression(assign + 1, end)
        elif kind:
            for i in range(first, end):
                self._errno(first, end + 1, i, True)

    def _comma(self, first, end):
        i = first
        while i < end:
            if self._token(i) == ",":
                return True
            i = self.partner[i] + 1 if self._token(i) in OPEN else i + 1
        return False

    # Expressions

    def _top(self, first, end, wanted):
        """Returns the first token of `wanted` that is not inside brackets."""
        i = first
        while i < end:
            if self._token(i) in wanted:
                return i
            i = self.partner[i] + 1 if self._token(i) in OPEN else i + 1
        return None

    def _condition(self, statement, first, end):
        if statement == "for":
            first = self._top(first, end, (";",)) + 1
            end = self._top(first, end, (";",))
        if first == end:
            return
        if statement == "if":
            text = self.source(first, end)
            self._add("negated", first, end, "!(%s)" % text, "`%s` negated" % text)
        self._parts(first, end)

    def _expression(self, first, end):
        question = self._top(first, end, ("?",))
        if question:
            text = "!(%s) %s" % (self.source(first, question), self.source(question, end))
            self._add("negated", first, end, text, "`%s` negated" % self.source(first, question))
        elif self._token(first) == "!" or self._top(first, end, ("==", "!=", "<", "<=", ">", ">=", "&&", "||")):
            text = self.source(first, end)
            self._add("negated", first, end, "!(%s)" % text, "`%s` negated" % text)
        self._parts(first, end)

    def _parts(self, first, end):
        for i in range(first, end):
            self._errno(first, end, i, False)
            token = self._token(i)
            if token in BOUNDS:
                self._replace("bound", first, end, i, i + 1, BOUNDS[token])
            if token in ("+", "-") and i > first and i + 1 < end and self._token(i + 1) in ("1", "1u"):
                if re.match(r"[\w)\]]", self._token(i - 1)):
                    self._replace("bound", first, end, i, i + 2, "")

    def _errno(self, first, end, i, is_statement):
        if self._token(i) in ERRNOS or re.match(r"E[A-Z]{3,}$", self._token(i)):
            other = ERRNOS[len(self._token(i)) % len(ERRNOS)]
            if other == self._token(i):
                other = "EIO" if other != "EIO" else "EINVAL"
            self._replace("errno", first, end, i, i + 1, other, is_statement)

    def _replace(self, kind, first, end, i, j, text, is_statement=False):
        before = self.source(first, i) + " " if i > first else ""
        after = " " + self.source(j, end) if j < end else ""
        what = "`%s` becomes `%s`" % (self.source(first, end), re.sub(" +", " ", before + text + after).strip())
        self._add(kind, first, end, before + text + after, what, is_statement)

    def _add(self, kind, first, last, text, what, is_statement=False):
        if not self._has_directive(first, last):
            self.slips.append(Slip(kind, first, last, text, what, is_statement))

    # Planting

    def plant(self, slips):
        """Returns the file with these slips, selected by number. Their token ranges must be equal or disjoint."""
        places = {}
        for slip in slips:
            places.setdefault((slip.first, slip.last, slip.is_statement), []).append(slip)
        out, position = [], 0
        for (first, last, is_statement), here in sorted(places.items()):
            begin = self.tokens[first][1]
            end = self.tokens[last - 1][1] + len(self._token(last - 1))
            out.append(self.text[position:begin])
            original = self.text[begin:end]
            if is_statement:
                out.append("{ ")
                out.extend("if (evnet_mutant(%d)) { %s } else " % (s.number, s.text) for s in here)
                out.append("{ %s } }" % original)
            else:
                out.append("(")
                out.extend("evnet_mutant(%d) ? (%s) : " % (s.number, s.text) for s in here)
                out.append("(%s))" % original)
            position = end
        out.append(self.text[position:])
        return PRELUDE + "".join(out)


# Precedes all includes of the file, so it includes only a header of macros.
PRELUDE = """#include <sys/syscall.h>
extern char *getenv(const char *name);
extern long syscall(long number, ...);
static int evnet_mutant_chosen;
static unsigned char *evnet_mutant_seen;
static void __attribute__((constructor)) evnet_mutant_begin(void) {
  const char *chosen = getenv("EVNET_MUTANT");
  const char *seen = getenv("EVNET_MUTANT_SEEN");
  while (chosen && *chosen) evnet_mutant_chosen = 10 * evnet_mutant_chosen + *chosen++ - '0';
  long file = seen ? syscall(SYS_openat, -100, seen, 2) : -1;
  if (file < 0) return;
  long at = syscall(SYS_mmap, 0L, 65536L, 3L, 1L, file, 0L);
  if (at > 0) evnet_mutant_seen = (unsigned char *)at;
  syscall(SYS_close, file);
}
static inline int evnet_mutant(int number) {
  if (evnet_mutant_seen) evnet_mutant_seen[number] = 1;
  return number == evnet_mutant_chosen;
}
#line 1
"""


def overlap(one, two):
    """Returns whether two slips of a file cannot be planted together."""
    same = (one.first, one.last, one.is_statement) == (two.first, two.last, two.is_statement)
    return not same and one.first < two.last and two.first < one.last
