# The work of make-page, which says what the directives are.

BEGIN {
    count = split(values, lines, "\n")
    for (i = 1; i <= count; i++) {
        at = index(lines[i], "=")
        if (at) value[substr(lines[i], 1, at - 1)] = substr(lines[i], at + 1)
    }
}

{
    for (name in value) {
        while ((at = index($0, "${" name "}")) > 0) $0 = substr($0, 1, at - 1) value[name] substr($0, at + length(name) + 3)
    }
}

!/^@/ { print; next }

{
    argument = $0
    sub(/^@[a-z]+ */, "", argument)
    if ($1 == "@title") printf ".TH %s %s %s \"mrd %s\" \"mrd\"\n", toupper($2), $3, date, version
    else if ($1 == "@options") options_of(argument)
    else if ($1 == "@commands") commands_of(argument)
    else if ($1 == "@table") table_of($2, substr(argument, length($2) + 2))
    else if ($1 == "@section") section_of($2, substr(argument, length($2) + 2))
    else if ($1 == "@config") config_of(argument)
    else if ($1 == "@interface") interface_of(argument)
    else if ($1 == "@headers") headers_of(argument)
    else if ($1 == "@text") text_of(argument)
    else fail("there is no directive " $1)
}

function fail(message) {
    print "make-page: " FILENAME ": " message >"/dev/stderr"
    exit 1
}

function base_name(path) {
    sub(/.*\//, "", path)
    return path
}

# ---- Text as roff has it

# Whatever is in it, it is shown.
function plain(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/~/, "\\(ti", text)
    if (text ~ /^[.']/) text = "\\&" text
    return text
}

# What is to be typed: no quote becomes a curly one.
function code(text) {
    text = plain(text)
    gsub(/'/, "\\(aq", text)
    gsub(/`/, "\\(ga", text)
    return text
}

# Prose: `code` is bold, a link is its text, **strong** is without its stars.
function prose(text,    parts, count, i, out) {
    while (match(text, /\]\([^)]*\)/)) {
        out = substr(text, 1, RSTART - 1)
        match(out, /.*\[/)
        out = substr(out, 1, RLENGTH - 1) substr(out, RLENGTH + 1)
        match(text, /\]\([^)]*\)/)
        text = out substr(text, RSTART + RLENGTH)
    }
    count = split(text, parts, "`")
    if (count % 2 == 0) return plain(text)
    out = ""
    for (i = 1; i <= count; i++) {
        # Only what a line begins with is taken for a request.
        if (i % 2) {
            gsub(/\*\*/, "", parts[i])
            out = out (i == 1 ? plain(parts[i]) : substr(plain("x" parts[i]), 2))
        } else out = out "\\fB" substr(code("x" parts[i]), 2) "\\fR"
    }
    return out
}

# An option or an argument as --help names it: "-o,--output FILE".
function signature(text,    words, count, i, out, word) {
    count = split(text, words, /[ ,]/)
    for (i = 1; i <= count; i++) {
        word = words[i]
        if (word == "") continue
        if (word == "REQUIRED") { out = out " (required)"; continue }
        if (word ~ /^-/) out = out (out == "" ? "" : ", ") "\\fB" plain(word) "\\fR"
        else if (word ~ /^\{/) {
            # One of these; behind the equals sign stands the one that is taken where none is given.
            word = text
            sub(/^[^{]*/, "", word)
            out = out " " plain(word)
            break
        } else out = out (out == "" ? "" : " ") (word == "..." ? word : "\\fI" plain(word) "\\fR")
    }
    sub(/^ /, "", out)
    return out
}

function heading(text) {
    printf ".SS \"%s\"\n", plain(text)
    fresh = 1
}

# None behind a heading.
function paragraph() {
    if (!fresh) print ".PP"
    fresh = 1
}

# ---- Programs

# Runs PROGRAM --help; sets about, usage, and kind[], entry[], text[] of 1 to entries.
function help_of(program,    command, line, section, width) {
    command = program " --help"
    about = usage = ""
    entries = 0
    section = "about"
    while ((command | getline line) > 0) {
        if (line ~ /^Usage: /) { usage = substr(line, 8); section = "" }
        else if (section == "about") about = about (about == "" ? "" : " ") line
        else if (line ~ /^[A-Z][a-z]*:$/) { section = line; sub(/:$/, "", section) }
        else if (line ~ /^  [^ ]/ && section != "") {
            kind[++entries] = section
            line = substr(line, 3)
            width = match(line, /  +/)
            entry[entries] = width ? substr(line, 1, width - 1) : line
            text[entries] = width ? substr(line, width + RLENGTH) : ""
        } else if (line ~ /^     /) {
            sub(/^ +/, "", line)
            text[entries] = text[entries] (text[entries] == "" ? "" : " ") line
        }
    }
    if (close(command) != 0 || usage == "") fail(command " failed")
}

function print_entries(which, without,    i) {
    for (i = 1; i <= entries; i++) {
        if (kind[i] != which || entry[i] ~ without) continue
        printf ".TP\n%s\n%s\n", signature(entry[i]), prose(text[i])
    }
}

function options_of(program) {
    help_of(program)
    print_entries("Options", "^$")
}

function commands_of(program,    names, count, i) {
    help_of(program)
    # help_of() sets the same variables for the commands.
    count = 0
    for (i = 1; i <= entries; i++) if (kind[i] == "Subcommands") names[++count] = entry[i]
    for (i = 1; i <= count; i++) {
        help_of(program " " names[i])
        heading(usage)
        print prose(about)
        print_entries("Positionals", "^$")
        print_entries("Options", "^-h")
        commands_of(program " " names[i])
    }
}

# ---- Tables of Markdown: the first column is the tag

function table_of(file, head,    line, found) {
    file = source "/" file
    while ((getline line <file) > 0) {
        if (index(line, "| " head " |") == 1) { found = 1; continue }
        if (!found || line ~ /^\|-/) continue
        if (line !~ /^\|/) break
        print_row(line)
    }
    close(file)
    if (!found) fail(file " has no table whose first head is \"" head "\"")
}

# `heads`: the table's first row, where what a cell means is not clear without it.
function print_row(line, heads,    cells, names, count, i, out, cell) {
    count = split(line, cells, / *\| */)
    split(heads, names, / *\| */)
    out = ""
    for (i = 3; i < count; i++) {
        cell = cells[i]
        if (cell != "" && heads != "") cell = names[i] ": " cell
        if (cell != "") out = out (out == "" ? "" : out ~ /\.$/ ? " " : ". ") (out == "" ? cell : toupper(substr(cell, 1, 1)) substr(cell, 2))
    }
    printf ".TP\n\\fB%s\\fR\n%s\n", prose(cells[2]), prose(out)
}

# ---- Sections of Markdown: paragraphs, lists, tables and what stands between fences

# Where a link to this heading leads.
function anchor_of(line) {
    sub(/^#+ /, "", line)
    line = tolower(line)
    gsub(/[^a-z0-9 _-]/, "", line)
    gsub(/ /, "-", line)
    return line
}

# `which` is empty: all of the file that stands above its first section.
function section_of(file, which,    line, name, found, level, fenced, gathered, item, row, heads, cells) {
    name = file
    file = source "/" file
    fresh = 1
    while ((getline line <file) > 0) {
        if (line ~ /^#+ / && !fenced) {
            match(line, /^#+/)
            if (!found) {
                if (which == "" ? RLENGTH == 1 : anchor_of(line) == which) { found = 1; level = RLENGTH }
                continue
            }
            gathered = print_gathered(gathered, item)
            if (RLENGTH <= level || which == "") break
            heading(substr(line, RLENGTH + 2))
            item = row = 0
            continue
        }
        if (!found) continue
        if (line ~ /^```/) {
            gathered = print_gathered(gathered, item)
            item = 0
            if (!fenced) paragraph()
            print fenced ? ".fi\n.RE" : ".RS 4\n.nf"
            fenced = !fenced
            fresh = 0
        } else if (fenced) print code(line)
        else if (line ~ /^\|/) {
            gathered = print_gathered(gathered, item)
            item = 0
            # The first row is the head, the second a rule. Of two columns the second needs no name.
            if (++row == 1) heads = split(line, cells, /\|/) > 4 ? line : ""
            else if (row > 2) print_row(line, heads)
            fresh = 0
        } else if (line == "") {
            gathered = print_gathered(gathered, item)
            item = row = 0
        } else {
            if (line ~ /^(-|[0-9]+\.) /) {
                gathered = print_gathered(gathered, item)
                item = line ~ /^-/ ? "\\(bu" : substr(line, 1, index(line, " ") - 1)
                line = substr(line, index(line, " ") + 1)
            }
            gathered = gathered (gathered == "" ? "" : " ") trimmed(line)
        }
    }
    print_gathered(gathered, item)
    close(file)
    if (!found) fail(name " has no section \"" which "\"")
}

# One paragraph, which is joined before what is code in it is sought; an item of a list where there is one. Returns what is gathered then: nothing.
function print_gathered(text, item) {
    if (text == "") return ""
    if (item) printf ".IP %s 4\n", item
    else paragraph()
    print prose(text)
    fresh = 0
    return ""
}

# ---- Comments

# Lines of a comment as paragraphs; one that begins with a name and two blanks, or with a name in backticks and a colon, is a tag and its text. Empties the list.
function print_comment(    i, line, shown) {
    for (i = 1; i <= comments; i++) {
        line = comment[i]
        if (line ~ /^ *$/) { if (i < comments && shown) paragraph(); continue }
        if (match(line, /^ *[a-z_]+  +/) && line ~ /^  /) {
            printf ".TP\n\\fB%s\\fR\n%s\n", trimmed(substr(line, 1, RLENGTH)), prose(substr(line, RLENGTH + 1))
        } else if (match(line, /^`[a-z_]+( = [a-z]+)?`:/)) {
            printf ".TP\n\\fB%s\\fR\n%s\n", plain(substr(line, 2, RLENGTH - 3)), prose(trimmed(substr(line, RLENGTH + 1)))
        } else {
            print prose(trimmed(line))
        }
        shown = 1
        fresh = 0
    }
    comments = 0
}

function trimmed(text) {
    gsub(/^ +| +$/, "", text)
    return text
}

function print_examples(    i) {
    # A heading by itself says nothing.
    if (examples > 1) {
        paragraph()
        print ".RS 4\n.nf"
        for (i = 1; i <= examples; i++) print code(example[i])
        print ".fi\n.RE"
        fresh = 0
    }
    examples = 0
}

# ---- The configuration: [section], [[section]], key = value, each of them also in a comment, where it is an example

function config_of(file,    line, bare) {
    file = source "/" file
    comments = examples = 0
    while ((getline line <file) > 0) {
        bare = line
        sub(/^# /, "", bare)
        if (bare ~ /^\[+[a-z_]+\]+$/) {
            # The blank comment that separates it from its text.
            if (comments && comment[comments] == "") comments--
            print_examples()
            if (!(bare in seen_section)) {
                seen_section[bare] = 1
                heading(bare)
            } else paragraph()
            print_comment()
            example[++examples] = bare
        } else if (bare ~ /^[a-z_]+ = /) {
            if (comments) {
                # Keys before this one have been told.
                print_examples()
                # A key in a comment has that value only where it is written.
                printf ".TP\n\\fB%s\\fR%s\n", code(bare), line ~ /^#/ ? " (not set by default)" : ""
                fresh = 1
                print_comment()
            } else example[++examples] = bare
        } else if (line ~ /^#/) {
            sub(/^# ?/, "", line)
            comment[++comments] = line
        } else if (line == "" && comments && !(started++)) {
            # What stands at its head is of the whole file.
            print_comment()
        }
    }
    print_examples()
    print_comment()
    if (close(file) != 0) fail("cannot read " file)
}

# ---- Interfaces: what stands before the interface's line, then declarations, each behind its comment

function interface_of(file,    line, depth, declaration, what, section) {
    file = source "/" file
    comments = 0
    what = ""
    while ((getline line <file) > 0) {
        if (what == "" && line ~ /^#/) {
            sub(/^# ?/, "", line)
            comment[++comments] = line
        } else if (line ~ /^interface /) {
            print ".SH DESCRIPTION"
            fresh = 1
            print_comment()
        } else if (what == "" && line ~ /^(type|method|error) /) {
            what = line
            sub(/ .*/, "", what)
            declaration = ""
            depth = 0
        } else if (what == "" && line == "") comments = 0
        if (what != "") {
            declaration = declaration (declaration == "" ? "" : "\n") line
            depth += gsub(/\(/, "(", line) - gsub(/\)/, ")", line)
            if (depth == 0) {
                if (what != section) {
                    printf ".SH %sS\n", toupper(what)
                    fresh = 1
                }
                section = what
                print_declaration(declaration)
                what = ""
            }
        }
    }
    if (close(file) != 0) fail("cannot read " file)
}

function print_declaration(declaration,    lines, count, i) {
    count = split(declaration, lines, "\n")
    paragraph()
    fresh = 0
    if (count == 1) printf "\\fB%s\\fR\n", code(declaration)
    else {
        print ".nf"
        for (i = 1; i <= count; i++) printf "\\fB%s\\fR\n", code(lines[i])
        print ".fi"
    }
    if (comments) {
        print ".RS 4"
        print_comment()
        print ".RE"
    }
}

# ---- Headers, by their names: the first sentence of the comment at each one's head

function headers_of(folder,    list, file, line, text) {
    list = "ls " source "/" folder "/*.h"
    while ((list | getline file) > 0) {
        text = ""
        while ((getline line <file) > 0 && line ~ /^\/\//) {
            sub(/^\/\/ ?/, "", line)
            text = text (text == "" ? "" : " ") line
            if (match(text, /\.( |$)/)) { text = substr(text, 1, RSTART); break }
        }
        close(file)
        if (text == "") fail(file " does not say what it is for")
        printf ".TP\n\\fB%s\\fR\n%s\n", plain("mr/" base_name(file)), prose(text)
    }
    if (close(list) != 0) fail("no headers in " folder)
}

function text_of(file,    line) {
    file = source "/" file
    print ".nf"
    while ((getline line <file) > 0) print code(line)
    print ".fi"
    if (close(file) != 0) fail("cannot read " file)
}
