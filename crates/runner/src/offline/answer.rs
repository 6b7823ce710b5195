//! Decides what to say to a prompt. It must never know how it is said.

use std::time::Duration;

use runwright_agent::RunContext;

use super::directives::Directives;
use super::files::{self, FileText, Unreadable};

/// How long the model waits before each word of an answer that nobody paced, so that one can watch it: about 80 words
/// a second.
const UNHURRIED: Duration = Duration::from_millis(12);

/// What the model says, and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// What to say in each step; each piece with the space that follows it.
    pub(super) words: Vec<String>,
    /// How long to wait before each word.
    pub(super) delay: Duration,
    /// How often to say it, each time in a message of its own.
    pub(super) steps: usize,
    /// What happens then.
    pub(super) ending: Ending,
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// As it should.
    Well,
    /// With this failure.
    Fail(String),
    /// With a panic.
    Panic,
    /// Never, until it is aborted.
    Hang,
}

/// What a prompt asks about the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    ListFiles,
    CountFiles,
    ReadFile(String),
    CountLines(Option<String>),
    Other,
}

impl Answer {
    pub(super) async fn to(cx: &RunContext, directives: &Directives) -> Self {
        let words = match directives.say {
            Some(count) => (0..count).map(|n| format!("word{n} ")).collect(),
            None if directives.any() && directives.rest.is_empty() => Vec::new(),
            None => spoken(&about_workspace(cx, &directives.rest).await),
        };
        let unhurried = if directives.any() {
            Duration::ZERO
        } else {
            UNHURRIED
        };
        Self {
            words,
            delay: directives.delay_ms.map_or(unhurried, Duration::from_millis),
            steps: directives.steps.unwrap_or(1),
            ending: ending(directives),
        }
    }
}

fn ending(directives: &Directives) -> Ending {
    match directives {
        Directives {
            fail: Some(text), ..
        } => Ending::Fail(text.clone()),
        Directives { panic: true, .. } => Ending::Panic,
        Directives { hang: true, .. } => Ending::Hang,
        _ => Ending::Well,
    }
}

/// Cuts a text into words, each with the white space that follows it, so that put together they are the text.
fn spoken(text: &str) -> Vec<String> {
    text.split_inclusive(char::is_whitespace)
        .map(str::to_owned)
        .collect()
}

async fn about_workspace(cx: &RunContext, prompt: &str) -> String {
    let root = cx.workspace.path.clone();
    match Question::of(prompt) {
        Question::ListFiles => files::list(root).await,
        Question::CountFiles => files::count(root).await,
        Question::CountLines(None) => files::count_all_lines(root).await,
        Question::CountLines(Some(name)) => match find(cx, &name).await {
            Ok(file) => format!("`{name}` has {} lines.", file.text.lines().count()),
            Err(unreadable) => unreadable.explained(&name),
        },
        Question::ReadFile(name) => match find(cx, &name).await {
            Ok(file) => files::shown(&name, &file.text, file.cut),
            Err(unreadable) => unreadable.explained(&name),
        },
        Question::Other => introduction(),
    }
}

/// Finds a file in the workspace and notes that the session has read it.
async fn find(cx: &RunContext, name: &str) -> Result<FileText, Unreadable> {
    let found = files::find(cx.workspace.path.clone(), name.to_owned()).await?;
    let path = cx.workspace.path.join(name);
    let noted = cx
        .transcript
        .mark_read(cx.call.session_id(), &path.to_string_lossy())
        .await;
    // A session that was deleted meanwhile has nothing to note; the answer stands.
    drop(noted);
    Ok(found)
}

fn introduction() -> String {
    "I am Runwright's offline model: no model provider is configured, so I cannot think about this. \
     I can tell you about this workspace without any network: ask me to \"list the files\", to \"read README.md\", \
     \"how many lines has README.md?\", or \"how many files are there?\". To watch a run at work, write for example \
     [[say 50]] [[delay 100]], and cancel it."
        .to_owned()
}

impl Question {
    fn of(prompt: &str) -> Self {
        let asked = prompt.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| asked.contains(word));
        let file = named_file(prompt);
        if has(&[
            "how many lines",
            "count the lines",
            "count lines",
            "line count",
        ]) {
            return Self::CountLines(file);
        }
        if has(&["how many files", "count the files", "count files"]) {
            return Self::CountFiles;
        }
        match file {
            Some(file)
                if has(&[
                    "read ",
                    "show ",
                    "cat ",
                    "open ",
                    "print ",
                    "what is in",
                    "what's in",
                ]) =>
            {
                Self::ReadFile(file)
            }
            _ if has(&[
                "list",
                "which files",
                "what files",
                "show the files",
                "show files",
            ]) =>
            {
                Self::ListFiles
            }
            _ if asked.trim() == "ls" => Self::ListFiles,
            _ => Self::Other,
        }
    }
}

/// The first word of a prompt that looks like the name of a file.
fn named_file(prompt: &str) -> Option<String> {
    let bare = |word: &str| {
        let around = |c: char| "?!,;:\"'`()".contains(c);
        let word = word.trim_start_matches(around);
        word.trim_end_matches(|c| around(c) || c == '.').to_owned()
    };
    let looks_like_a_file = |word: &String| word.contains('/') || word.contains('.');
    prompt.split_whitespace().map(bare).find(looks_like_a_file)
}

#[cfg(test)]
mod tests;
