//! Owns the limit on how deep a JSON text may be nested.
//!
//! `serde_json` has one of its own, but not for what it skips or keeps as it is (`RawValue` takes 100,000 levels), and
//! whatever is kept is decoded by somebody later (reliability 4.1, 21).
//!
//! It must never know what the text means, nor whether it is valid.

/// The deepest nesting of arrays and objects that is taken (semantics 8).
pub const MAX_DEPTH: usize = 128;

/// Tells whether a JSON text is nested deeper than [`MAX_DEPTH`]. For what is not JSON the answer means nothing.
pub(super) fn too_deep(json: &[u8]) -> bool {
    // Nearly every text has fewer brackets than the limit has levels, and counting is many times as fast as reading.
    opening_brackets(json) > MAX_DEPTH && nested_too_deep(json)
}

/// Counts in single bytes, chunk by chunk, which the compiler turns into vector instructions.
fn opening_brackets(json: &[u8]) -> usize {
    // `[` and `{` differ in this one bit, and no other byte becomes `{` by it.
    let opening = |byte: &u8| u8::from(byte | 0x20 == b'{');
    let count = |chunk: &[u8]| usize::from(chunk.iter().map(opening).sum::<u8>());
    json.chunks(usize::from(u8::MAX)).map(count).sum()
}

fn nested_too_deep(json: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// Goes past the closing quote of the string whose opening quote was just read.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Vec<u8> {
        [vec![b'['; depth], vec![b']'; depth]].concat()
    }

    #[test]
    fn the_limit_is_exact() {
        assert!(!too_deep(&nested(MAX_DEPTH)));
        assert!(too_deep(&nested(MAX_DEPTH + 1)));
    }

    #[test]
    fn the_quick_count_counts_both_brackets_and_nothing_else() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(opening_brackets(&all), 2);
        assert_eq!(opening_brackets(&[b'['; 1000]), 1000);
        assert_eq!(opening_brackets(&[b'{'; 255]), 255);
        assert_eq!(opening_brackets(b""), 0);
    }

    #[test]
    fn brackets_in_strings_and_beside_each_other_do_not_count() {
        let in_string = format!(r#"{{"a\"\\": "{}"}}"#, "[".repeat(1000));
        assert!(!too_deep(in_string.as_bytes()));
        assert!(!too_deep("[]".repeat(1000).as_bytes()));
        assert!(!too_deep(br#""unterminated \"#));
    }
}
