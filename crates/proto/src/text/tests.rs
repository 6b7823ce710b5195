//! Checks what only the inside of a `Text` shows: the number of pieces, what is copied, and how the list is freed.

use std::{ptr, sync::Arc, thread};

use super::{
    Text,
    node::{FULL, Node, push},
};

/// How many pieces a text of `len` bytes may have: full ones (each two neighbours are more than full), and a rest whose
/// sizes double.
fn most_chunks(len: usize) -> usize {
    2 * len / FULL + FULL.ilog2() as usize + 2
}

#[test]
fn pushes_without_a_snapshot_in_between_stay_in_few_pieces() {
    let mut text = Text::new();
    for _ in 0..6_000 {
        text.push_str("token7 ");
    }
    assert_eq!(text.len(), 42_000);
    assert!(
        text.chunks().len() <= most_chunks(text.len()),
        "{} pieces",
        text.chunks().len()
    );
}

#[test]
fn pushes_with_a_snapshot_after_each_stay_in_few_pieces_and_copy_little() {
    let mut text = Text::new();
    let mut snapshots = Vec::new();
    let mut copied = 0;
    for number in 0..6_000 {
        let before: Vec<*const u8> = text.chunks().map(str::as_ptr).collect();
        text.push_str("token7 ");
        copied += text
            .chunks()
            .filter(|chunk| !before.contains(&chunk.as_ptr()))
            .map(str::len)
            .sum::<usize>();
        assert!(
            text.chunks().len() <= most_chunks(text.len()),
            "{} pieces",
            text.chunks().len()
        );
        if number % 100 == 0 {
            snapshots.push((text.len(), text.clone()));
        }
    }
    // 7 bytes double 10 times before they are full.
    assert!(
        copied <= text.len() * 12,
        "{copied} bytes copied for {} bytes of text",
        text.len()
    );
    let whole = text.to_string();
    for (len, snapshot) in snapshots {
        assert_eq!(snapshot, whole[..len]);
    }
}

#[test]
fn growing_runs_between_snapshots_do_not_leave_a_trail_of_small_pieces() {
    let mut text = Text::new();
    let mut snapshots = Vec::new();
    for run in 0..300 {
        for _ in 0..run {
            text.push_str("x");
        }
        snapshots.push(text.clone());
        assert!(
            text.chunks().len() <= most_chunks(text.len()),
            "{} pieces",
            text.chunks().len()
        );
    }
    assert_eq!(text.len(), 300 * 299 / 2);
    assert_eq!(snapshots.last(), Some(&text));
}

#[test]
fn a_push_nobody_else_sees_does_not_move_the_text() {
    let mut text = Text::from(String::with_capacity(64) + "start");
    let before = text.chunks().next().unwrap().as_ptr();
    text.push_str(", and more");
    assert!(ptr::eq(before, text.chunks().next().unwrap().as_ptr()));
}

#[test]
fn a_million_pieces_are_freed_on_a_small_stack() {
    let free = || {
        let mut tail = None;
        let full = "x".repeat(FULL / 1_024);
        for _ in 0..1_000_000 {
            // Built by hand: pushing would join pieces, and a million that cannot be joined need 8 GB.
            tail = Some(Arc::new(Node {
                text: full.clone(),
                older: tail.take(),
            }));
        }
        drop(tail);
    };
    thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(free)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_million_pushes_are_kept_and_freed() {
    let mut text = Text::new();
    let mut snapshot = Text::new();
    for number in 0..1_000_000_u32 {
        text.push_str(if number % 2 == 0 { "é" } else { "-" });
        snapshot = text.clone();
    }
    assert_eq!(text.len(), 1_500_000);
    assert_eq!(snapshot, text);
    assert!(text.chunks().len() <= most_chunks(text.len()));
}

#[test]
fn a_piece_longer_than_full_is_kept_whole() {
    let mut tail = None;
    push(&mut tail, &"x".repeat(3 * FULL));
    push(&mut tail, "y");
    let lengths: Vec<usize> = super::node::newest_first(tail.as_deref())
        .map(str::len)
        .collect();
    assert_eq!(lengths, [1, 3 * FULL]);
}
