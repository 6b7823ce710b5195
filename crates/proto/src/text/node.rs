//! Owns the shared list of pieces under a `Text`, and the rule by which small pieces are joined.
//!
//! The newest piece is the head, each piece leads to the one before it. A piece that somebody else can see is never
//! written to. Sizes at least double towards the older end, up to [`FULL`]: so a text of n bytes has n / FULL pieces and
//! a logarithmic rest, and a byte is copied at most as often as a piece can double before it is full.

use std::{iter, sync::Arc};

/// A piece is not made longer than this by joining, in bytes. It bounds how often a byte is copied (about 13 times, when
/// bytes come one by one and a snapshot is taken after each), and a text of a megabyte still has few pieces.
pub(super) const FULL: usize = 8 * 1024;

/// One piece and the way to the older ones.
pub(super) struct Node {
    pub(super) text: String,
    pub(super) older: Option<Arc<Self>>,
}

impl Node {
    /// Makes the only piece of a text.
    pub(super) const fn first(text: String) -> Self {
        Self { text, older: None }
    }
}

impl Drop for Node {
    /// Frees the list in a loop: the compiler's own way would recurse once per piece and could exhaust the stack.
    fn drop(&mut self) {
        let mut older = self.older.take();
        while let Some(mut node) = older.and_then(Arc::into_inner) {
            older = node.older.take();
        }
    }
}

/// Iterates over the pieces from the newest to the oldest.
pub(super) fn newest_first(tail: Option<&Node>) -> impl Iterator<Item = &str> {
    iter::successors(tail, |node| node.older.as_deref()).map(|node| node.text.as_str())
}

/// Tells whether a text of `len` bytes and one of `other_len`, which is not longer, agree as far as the shorter one goes.
///
/// The pieces are compared from the newest to the oldest: where both lists meet in the same piece, they are one from
/// there on.
pub(super) fn agree(
    mut piece: Option<&Arc<Node>>,
    len: usize,
    mut other: Option<&Arc<Node>>,
    other_len: usize,
) -> bool {
    // Where the two pieces at hand end in their texts, and up to where there is something left to compare.
    let (mut ends, mut other_ends, mut left) = (len, other_len, other_len);
    while let (Some(a), Some(b)) = (piece, other) {
        let (begins, other_begins) = (ends - a.text.len(), other_ends - b.text.len());
        if begins >= left {
            (piece, ends) = (a.older.as_ref(), begins);
            continue;
        }
        if other_begins >= left {
            (other, other_ends) = (b.older.as_ref(), other_begins);
            continue;
        }
        if Arc::ptr_eq(a, b) && begins == other_begins {
            return true;
        }
        let from = begins.max(other_begins);
        let (a, b) = (a.text.as_bytes(), b.text.as_bytes());
        if a[from - begins..left - begins] != b[from - other_begins..left - other_begins] {
            return false;
        }
        left = from;
    }
    left == 0
}

/// Appends `piece`, in place where nobody else sees the newest piece, and restores the rule of sizes.
pub(super) fn push(tail: &mut Option<Arc<Node>>, piece: &str) {
    if let Some(newest) = tail.as_mut().and_then(Arc::get_mut)
        && newest.text.len() + piece.len() <= FULL
    {
        newest.text.push_str(piece);
        if !newest
            .older
            .as_ref()
            .is_some_and(|older| joins(older, newest.text.len()))
        {
            return;
        }
        let text = std::mem::take(&mut newest.text);
        let older = newest.older.take();
        *tail = Some(join(older, text));
        return;
    }
    *tail = Some(join(tail.take(), piece.to_owned()));
}

/// Tells whether a piece of `newer` bytes is to be joined with the older one before it.
fn joins(older: &Node, newer: usize) -> bool {
    older.text.len() <= 2 * newer && older.text.len() + newer <= FULL
}

/// Puts `text` on top of `older`, joined with as many of the older pieces as the rule of sizes asks for.
fn join(mut older: Option<Arc<Node>>, text: String) -> Arc<Node> {
    let mut joined = Vec::new();
    let mut len = text.len();
    while let Some(node) = older.take_if(|node| joins(node, len)) {
        len += node.text.len();
        older.clone_from(&node.older);
        joined.push(node);
    }
    if joined.is_empty() {
        return Arc::new(Node { text, older });
    }
    let mut whole = String::with_capacity(len);
    whole.extend(joined.iter().rev().map(|node| node.text.as_str()));
    whole.push_str(&text);
    Arc::new(Node { text: whole, older })
}
