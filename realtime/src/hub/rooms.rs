//! A client's Socket.IO rooms, and the clients in a room.

use super::Client;
use crate::push::{Offset, Room};
use std::sync::Arc;
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
            self.0.reserve_exact(1);
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

/// The clients in a Socket.IO room, by their numbers. Most rooms have one, and a map of it would take more memory than
/// everything else that it has.
#[derive(Default)]
pub struct Members(Vec<Arc<Client>>);

impl Members {
    fn find(&self, number: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |client| client.number)
    }

    pub fn insert(&mut self, client: Arc<Client>) {
        if let Err(index) = self.find(client.number) {
            self.0.insert(index, client);
        }
    }

    pub fn remove(&mut self, number: u64) {
        if let Ok(index) = self.find(number) {
            self.0.remove(index);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.0.iter()
    }
}
