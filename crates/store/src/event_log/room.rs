//! Room for the frames of pages, used again and again: memory of this size goes back to the system when it is let go,
//! and to fetch it anew for each page would cost as much as to read the page. Must never know what is in it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::chunk::MAX_BYTES;

/// A page is not continued beyond so many bytes.
pub(super) const PAGE_BYTES: usize = 256 * 1024;

/// How much room a page is given: its last row may go beyond its end.
const ROOM: usize = PAGE_BYTES + MAX_BYTES;

/// So many rooms are kept.
const KEPT: usize = 4;

/// Rooms that nobody uses.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<Vec<Vec<u8>>>);

/// A room that somebody uses; it goes back when it is let go.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) frames: Vec<u8>,
    rooms: Arc<Rooms>,
}

impl Rooms {
    /// Takes a room, which is empty.
    pub(super) fn take(self: &Arc<Self>) -> Room {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Room {
            frames: kept.unwrap_or_else(|| Vec::with_capacity(ROOM)),
            rooms: Arc::clone(self),
        }
    }
}

impl Room {
    /// Returns what is in it. Where that is little it is copied, and the room is free again at once.
    pub(super) fn into_bytes(self) -> Bytes {
        if self.frames.len() < PAGE_BYTES / 2 {
            Bytes::copy_from_slice(&self.frames)
        } else {
            Bytes::from_owner(self)
        }
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        &self.frames
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut frames = std::mem::take(&mut self.frames);
        frames.clear();
        let kept = self.rooms.0.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        // One that had to grow is not kept: it was for an event of unusual length.
        if frames.capacity() == ROOM && kept.len() < KEPT {
            kept.push(frames);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(rooms: &Rooms) -> usize {
        rooms.0.lock().unwrap().len()
    }

    #[test]
    fn a_room_is_used_again_when_its_page_is_let_go() {
        let rooms = Arc::new(Rooms::default());
        let mut room = rooms.take();
        room.frames.resize(PAGE_BYTES, b'x');
        let place = room.frames.as_ptr();
        let page = room.into_bytes();
        assert_eq!(
            (page.len(), page.as_ptr(), kept(&rooms)),
            (PAGE_BYTES, place, 0)
        );
        let part = page.slice(7..9);
        drop(page);
        assert_eq!(
            (&part[..], kept(&rooms)),
            (&b"xx"[..], 0),
            "a part of it is in use"
        );
        drop(part);
        assert_eq!(kept(&rooms), 1);
        let room = rooms.take();
        assert_eq!((room.frames.as_ptr(), room.frames.len()), (place, 0));
    }

    #[test]
    fn little_is_copied_much_is_not_kept_and_few_rooms_are() {
        let rooms = Arc::new(Rooms::default());
        let mut room = rooms.take();
        room.frames.extend_from_slice(b"frames");
        let page = room.into_bytes();
        assert_eq!((&page[..], kept(&rooms)), (&b"frames"[..], 1));
        let mut room = rooms.take();
        room.frames.resize(2 * ROOM, b'x');
        drop(room);
        assert_eq!(kept(&rooms), 0);
        let many: Vec<Room> = (0..2 * KEPT).map(|_| rooms.take()).collect();
        drop(many);
        assert_eq!(kept(&rooms), KEPT);
    }
}
