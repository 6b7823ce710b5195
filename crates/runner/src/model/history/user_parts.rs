//! What people said, in the form in which a model reads it. It must never know what stands around it.

use runwright_proto::{Binary, Message, Part, ShellCommand};

use crate::provider::UserPart;

/// The parts of a message that a model can read; none is empty.
pub(super) fn user_parts(message: &Message, images: bool) -> Vec<UserPart> {
    let readable = |part: &Part| match part {
        Part::Text(part) => text(String::from(&part.text)),
        Part::Binary(file) => Some(attached(file, images)),
        Part::ShellCommand(command) => Some(UserPart::Text(shell(command))),
        Part::ImageUrl(image) => Some(UserPart::Text(format!("[picture: {}]", image.url))),
        Part::Reasoning(_)
        | Part::ToolCall(_)
        | Part::ToolResult(_)
        | Part::Finish(_)
        | Part::Unknown(_) => None,
    };
    message.parts.iter().filter_map(readable).collect()
}

fn text(text: String) -> Option<UserPart> {
    (!text.trim().is_empty()).then_some(UserPart::Text(text))
}

/// A text is shown in full, a picture where the model can see it, and everything else by its name.
fn attached(file: &Binary, images: bool) -> UserPart {
    let (path, kind) = (&file.path, &file.mime_type);
    if kind.starts_with("text/") {
        let content = String::from_utf8_lossy(file.data.as_bytes());
        return UserPart::Text(format!(
            "<attached_file path=\"{path}\">\n{content}\n</attached_file>"
        ));
    }
    if images && kind.starts_with("image/") && !file.data.is_empty() {
        return UserPart::Image {
            mime_type: kind.clone(),
            data: file.data.clone(),
        };
    }
    UserPart::Text(format!("[attached file `{path}` ({kind}): not shown]"))
}

/// A command that somebody ran, as a terminal shows it (contract 5.7).
fn shell(command: &ShellCommand) -> String {
    let ShellCommand {
        command,
        output,
        exit_code,
    } = command;
    let output = without_escapes(output);
    format!(
        "$ {command}\n{}\n[exit code {exit_code}]",
        output.trim_end()
    )
}

/// Drops the sequences with which a program colors its output: from an escape to the letter that ends it.
fn without_escapes(output: &str) -> String {
    let mut plain = String::with_capacity(output.len());
    let mut chars = output.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if chars.next() == Some('[') {
            // Parameters and intermediates come before the final byte (ECMA-48, 5.4).
            while chars
                .next()
                .is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c))
            {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use runwright_proto::{MessageId, Role, SessionId};

    use super::*;

    fn said(parts: Vec<Part>) -> Message {
        let mut message = Message::new(MessageId::generate(), SessionId::random(), Role::User, 0);
        message.parts = parts;
        message
    }

    fn file(path: &str, kind: &str, data: &[u8]) -> Part {
        Part::Binary(Binary {
            path: path.into(),
            mime_type: kind.into(),
            data: data.into(),
        })
    }

    fn shown(text: &str) -> UserPart {
        UserPart::Text(text.to_owned())
    }

    #[test]
    fn a_text_is_shown_in_full_and_a_picture_where_the_model_can_see_it() {
        let message = said(vec![
            Part::text("look"),
            Part::text(" \n"),
            file("a.txt", "text/plain", b"hi"),
            file("b.png", "image/png", b"\x89"),
            file("c.bin", "application/pdf", b"%"),
        ]);
        let text = shown("<attached_file path=\"a.txt\">\nhi\n</attached_file>");
        let pdf = shown("[attached file `c.bin` (application/pdf): not shown]");
        let picture = UserPart::Image {
            mime_type: "image/png".into(),
            data: b"\x89".as_slice().into(),
        };
        let unseen = shown("[attached file `b.png` (image/png): not shown]");
        assert_eq!(
            user_parts(&message, true),
            [shown("look"), text.clone(), picture, pdf.clone()]
        );
        assert_eq!(
            user_parts(&message, false),
            [shown("look"), text, unseen, pdf]
        );
    }

    #[test]
    fn a_command_is_shown_without_its_colors() {
        let command = Part::ShellCommand(ShellCommand {
            command: "ls --color".into(),
            output: "\u{1b}[01;34msrc\u{1b}[0m\nREADME.md\n\u{1b}".into(),
            exit_code: 0,
        });
        assert_eq!(
            user_parts(&said(vec![command]), false),
            [shown("$ ls --color\nsrc\nREADME.md\n[exit code 0]")]
        );
    }
}
