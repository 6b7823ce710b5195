//! What a command prints: text for people, JSON for programs. Everything that comes from a server or a model is
//! foreign text, and foreign text must not command the terminal.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

/// Where a command prints to.
#[derive(Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether values are printed instead of text.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints foreign text as it comes, without a line end.
    pub(super) fn text(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(harmless(text).as_bytes())?;
        out.flush()
    }

    /// Prints a value as one line of JSON.
    pub(super) fn value(&self, value: &impl Serialize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, value)?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Begins to print what may be long.
    pub(super) fn lines(&self) -> Lines {
        Lines(BufWriter::new(io::stdout().lock()))
    }

    /// Tells the person at the terminal something that is not part of the result.
    pub(super) fn notice(&self, text: &str) -> io::Result<()> {
        writeln!(io::stderr().lock(), "{}", harmless(text))
    }
}

/// Many lines, printed some at a time.
#[derive(Debug)]
pub(super) struct Lines(BufWriter<StdoutLock<'static>>);

impl Lines {
    /// Prints foreign text and a line end.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.0, "{}", harmless(text))
    }

    /// Prints what is left.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Takes out every control character but line ends and tabs (reliability 5.3, item 38).
fn harmless(text: &str) -> String {
    let allowed = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn foreign_text_cannot_command_the_terminal() {
        let hostile = "a\u{1b}[2Jb\u{7}\r\u{9b}31mc\u{0}\u{8}\td\ne";
        assert_eq!(harmless(hostile), "a[2Jb31mc\td\ne");
    }
}
