//! What a test has to say besides whether it passed: figures, and how to play it again.

#[expect(
    clippy::print_stdout,
    reason = "whoever runs the tests with `--nocapture`, or sees one fail, is to read it"
)]
pub(crate) fn print(line: &str) {
    println!("{line}");
}
