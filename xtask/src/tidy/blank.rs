//! Blanks out the parts of a Rust source that a rule must not look at, keeping every line where it is.
//!
//! Knows the lexical grammar only as far as comments, literals and braces go.

/// Replaces comments and the insides of literals by spaces. Lines keep their numbers.
pub(crate) fn comments_and_literals(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    let mut after_word = false;
    while let Some(first) = rest.chars().next() {
        let kept = if after_word {
            None
        } else {
            prefixed_literal(rest)
        };
        let hidden = kept
            .or_else(|| comment(rest))
            .or_else(|| plain_literal(rest));
        let (part, next) = rest.split_at(hidden.unwrap_or(first.len_utf8()));
        if hidden.is_some() {
            out.extend(part.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            out.push(first);
        }
        after_word = hidden.is_none() && (first.is_alphanumeric() || first == '_');
        rest = next;
    }
    out
}

/// Replaces items under `#[cfg(test)]` by spaces; takes the result of [`comments_and_literals`].
pub(crate) fn test_items(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        let (before, from) = rest.split_at(start);
        let (item, after) = from.split_at(item_end(from));
        out.push_str(before);
        out.extend(item.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    out + rest
}

/// The length of a block in braces that starts at the first `{` of `code`, counted from the start of `code`.
pub(crate) fn block_end(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (i, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return (depth == 1).then_some(i + 1),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// An item ends with its block, or with a semicolon before any block.
fn item_end(code: &str) -> usize {
    match (code.find('{'), code.find(';')) {
        (open, Some(semicolon)) if open.is_none_or(|open| semicolon < open) => semicolon + 1,
        _ => block_end(code).unwrap_or(code.len()),
    }
}

fn comment(code: &str) -> Option<usize> {
    if code.starts_with("//") {
        return Some(code.find('\n').unwrap_or(code.len()));
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while code.starts_with("/*") && at < code.len() {
        let rest = &code[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    (at > 0).then_some(at)
}

/// A string or a character; a lifetime is neither.
fn plain_literal(code: &str) -> Option<usize> {
    if let Some(body) = code.strip_prefix('"') {
        return Some(1 + escaped_end(body, '"'));
    }
    let body = code.strip_prefix('\'')?;
    let first = body.chars().next()?;
    let is_char = first == '\\' || body[first.len_utf8()..].starts_with('\'');
    is_char.then(|| 1 + escaped_end(body, '\''))
}

/// A literal with a letter before its quote: raw, byte or C string, byte.
fn prefixed_literal(code: &str) -> Option<usize> {
    for prefix in ["br", "cr", "r"] {
        let Some(body) = code.strip_prefix(prefix) else {
            continue;
        };
        let hashes = body.chars().take_while(|&c| c == '#').count();
        let Some(body) = body[hashes..].strip_prefix('"') else {
            continue;
        };
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix.len() + hashes + 1 + length);
    }
    let body = ["b", "c"]
        .iter()
        .find_map(|prefix| code.strip_prefix(prefix))?;
    plain_literal(body).map(|length| 1 + length)
}

/// The length of a literal's body with its closing quote.
fn escaped_end(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return i + 1,
            _ => {}
        }
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let blanked = comments_and_literals(source);
        let squeezed: Vec<_> = blanked.split(' ').filter(|word| !word.is_empty()).collect();
        assert_eq!(squeezed.join(" "), expected, "{blanked}");
        assert_eq!(blanked.lines().count(), source.lines().count());
    }

    #[test]
    fn comments_are_blank_and_nested_ones_end_where_they_should() {
        check("a // b .unwrap()\nc", "a \nc");
        check("a /* b /* c */ d */ e", "a e");
        check("a /* never closed", "a");
        check("//! doc\nfn f() {}", "\nfn f() {}");
    }

    #[test]
    fn literals_are_blank_whatever_they_contain() {
        check(r#"a("x // y \" z", b)"#, "a( , b)");
        check(r##"a(r#"x " y"#, b)"##, "a( , b)");
        check(r#"a(b"x", c"y", br"z\", b'q')"#, "a( , , , )");
        check(r"a('{', '\'', '\u{7b}', 'é')", "a( , , , )");
    }

    #[test]
    fn lifetimes_raw_identifiers_and_words_before_a_quote_are_kept() {
        check(
            "fn f<'a>(x: &'a str, r#type: u8)",
            "fn f<'a>(x: &'a str, r#type: u8)",
        );
        check(r#"number"text""#, "number");
    }

    #[test]
    fn items_of_tests_are_blank_to_their_end_and_no_further() {
        let code = "a\n#[cfg(test)]\nmod tests {\n  fn f() { g() }\n}\nb\n#[cfg(test)]\nmod more;\nc { d }\n";
        let blanked = test_items(code);
        assert_eq!(
            blanked.split_whitespace().collect::<Vec<_>>(),
            ["a", "b", "c", "{", "d", "}"]
        );
        assert_eq!(blanked.lines().count(), code.lines().count());
    }

    #[test]
    fn a_block_ends_with_the_brace_that_opened_it() {
        assert_eq!(block_end("fn f() { { } }  }"), Some(14));
        assert_eq!(block_end("fn f() { {"), None);
        assert_eq!(block_end("}"), None);
    }
}
