//! What a prompt is taken to ask.

use super::{Question, spoken};

#[test]
fn questions_about_the_workspace_are_understood() {
    let readme = || "README.md".to_owned();
    let cases = [
        ("list the files", Question::ListFiles),
        ("which files are here?", Question::ListFiles),
        ("ls", Question::ListFiles),
        ("How many files are there?", Question::CountFiles),
        ("how many lines are there?", Question::CountLines(None)),
        (
            "how many lines has README.md?",
            Question::CountLines(Some(readme())),
        ),
        ("Please read `README.md`.", Question::ReadFile(readme())),
        (
            "what is in src/lib.rs",
            Question::ReadFile("src/lib.rs".to_owned()),
        ),
        (
            "show .gitignore please",
            Question::ReadFile(".gitignore".to_owned()),
        ),
        ("hello there", Question::Other),
        ("fix the bug in README.md", Question::Other),
    ];
    for (prompt, expected) in cases {
        assert_eq!(Question::of(prompt), expected, "{prompt}");
    }
}

#[test]
fn the_words_of_a_text_put_together_are_the_text() {
    let text = "one  two\nthree ";
    assert_eq!(spoken(text), ["one ", " ", "two\n", "three "]);
    assert_eq!(spoken(text).concat(), text);
}
