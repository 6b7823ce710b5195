//! Owns [`Text`], the append-only text of a message that is still being written.
//!
//! It must never know what the text means or who reads it.

use std::{
    fmt::{self, Debug, Display},
    io,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::node::Node;

mod node;
#[cfg(test)]
mod tests;

/// Holds a text that only grows, and of which cheap snapshots are taken while it grows.
///
/// A model's answer arrives as thousands of small pieces, and after many of them somebody wants to see the whole. Here
/// [`clone`](Clone::clone) is such a snapshot: it shares the text, takes constant time, and never changes, whatever is
/// pushed to another clone later. [`push_str`](Text::push_str) takes constant time on average, however often snapshots
/// are taken in between, so a long answer costs its length and not the square of it.
///
/// On the wire it is a plain JSON string.
///
/// # Examples
///
/// ```
/// use runwright_proto::Text;
///
/// let mut text = Text::from("Hello");
/// let snapshot = text.clone();
/// text.push_str(", world");
///
/// assert_eq!(snapshot, "Hello");
/// assert_eq!(text, "Hello, world");
/// assert_eq!(text.slice_from(snapshot.len()), ", world");
/// ```
#[derive(Clone, Default)]
pub struct Text {
    /// The newest piece, which leads to the older ones.
    tail: Option<Arc<Node>>,
    len: usize,
}

impl Text {
    /// Makes an empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self { tail: None, len: 0 }
    }

    /// Appends `piece`. Snapshots taken before do not change.
    pub fn push_str(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        self.len += piece.len();
        node::push(&mut self.tail, piece);
    }

    /// Returns the length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Tells whether there is no text.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the pieces in order. Where one ends and the next begins has no meaning; none is empty.
    #[must_use]
    pub fn chunks(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        let mut newest_first: Vec<&str> = node::newest_first(self.tail.as_deref()).collect();
        newest_first.reverse();
        newest_first.into_iter()
    }

    /// Writes the whole text as bytes, without joining its pieces first.
    ///
    /// # Errors
    ///
    /// The first error of the writer.
    pub fn write_to(&self, writer: &mut impl io::Write) -> io::Result<()> {
        self.chunks()
            .try_for_each(|chunk| writer.write_all(chunk.as_bytes()))
    }

    /// Tells whether the text begins with `prefix`, at the cost of what the two do not share: for a snapshot of this text
    /// and what was pushed since, that is next to nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use runwright_proto::Text;
    ///
    /// let mut text = Text::from("Hello");
    /// let snapshot = text.clone();
    /// text.push_str(", world");
    /// assert!(text.starts_with(&snapshot));
    /// assert!(!snapshot.starts_with(&text));
    /// ```
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        prefix.len <= self.len
            && node::agree(
                self.tail.as_ref(),
                self.len,
                prefix.tail.as_ref(),
                prefix.len,
            )
    }

    /// Copies the text from `offset` (in bytes) to its end, at the cost of what is copied.
    ///
    /// Gives an empty string when the text is not longer than `offset`. An offset inside a character moves back to the
    /// start of that character, so that nothing is lost.
    #[must_use]
    pub fn slice_from(&self, offset: usize) -> String {
        let mut end = self.len;
        let mut newest_first = Vec::new();
        for chunk in node::newest_first(self.tail.as_deref()) {
            if end <= offset {
                break;
            }
            let start = end - chunk.len();
            newest_first.push(&chunk[chunk.floor_char_boundary(offset.saturating_sub(start))..]);
            end = start;
        }
        newest_first.into_iter().rev().collect()
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chunks().try_for_each(|chunk| f.write_str(chunk))
    }
}

impl Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.to_string(), f)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut whole = Self::new();
        whole.push_str(text);
        whole
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let len = text.len();
        let tail = (len > 0).then(|| Arc::new(Node::first(text)));
        Self { tail, len }
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.slice_from(0)
    }
}

impl Eq for Text {}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        if self.len != other.len {
            return false;
        }
        let mut other = other.chunks();
        let mut rest: &[u8] = &[];
        self.chunks()
            .all(|chunk| consume(chunk.as_bytes(), &mut rest, &mut other))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        let mut rest = other.as_bytes();
        self.len == other.len()
            && self
                .chunks()
                .all(|chunk| consume(chunk.as_bytes(), &mut rest, std::iter::empty()))
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Takes `chunk` off the front of `rest`, which is refilled from `more`; tells whether it was there.
fn consume<'a>(
    mut chunk: &[u8],
    rest: &mut &'a [u8],
    mut more: impl Iterator<Item = &'a str>,
) -> bool {
    while !chunk.is_empty() {
        if rest.is_empty() {
            let Some(next) = more.next() else {
                return false;
            };
            *rest = next.as_bytes();
        }
        let len = chunk.len().min(rest.len());
        if chunk[..len] != rest[..len] {
            return false;
        }
        chunk = &chunk[len..];
        *rest = &rest[len..];
    }
    true
}
