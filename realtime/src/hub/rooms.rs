//! One client's Socket.IO rooms.

use crate::push::{Offset, Room};
use uuid::Uuid;

/// A client's Socket.IO rooms, in order, and the pushes after which it gets theirs. They are few, and a map of them
/// would take more memory than all else that the hub keeps of an idle client.
#[derive(Default)]
pub struct Rooms(Vec<(Room, Offset)>);

impl Rooms {
    fn find(&self, room: Room) -> Result<usize, usize> {
        self.0.binary_search_by_key(&room, |(room, _)| *room)
    }

    /// A client that is in the Socket.IO room already stays as it is.
    pub fn enter(&mut self, room: Room, after: Offset) {
        if let Err(index) = self.find(room) {
            self.0.insert(index, (room, after));
        }
    }

    /// Returns whether the client was in the Socket.IO room.
    pub fn leave(&mut self, room: Room) -> bool {
        self.find(room).map(|index| self.0.remove(index)).is_ok()
    }

    pub fn contains(&self, room: Room) -> bool {
        self.find(room).is_ok()
    }

    /// The push after which the client gets those of this room. `None` when it is not in it.
    pub fn after(&self, room: Room) -> Option<Offset> {
        self.find(room).ok().map(|index| self.0[index].1)
    }

    /// The ids of the Socket.IO rooms that the client joined itself.
    pub fn joined(&self) -> impl Iterator<Item = Uuid> {
        self.0.iter().filter_map(|(room, _)| room.joined())
    }

    /// Leaves all Socket.IO rooms, and returns them.
    pub fn take(&mut self) -> impl Iterator<Item = Room> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|(room, _)| room)
    }
}
