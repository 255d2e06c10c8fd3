//! The position in a list at which the next page begins: the sort key and the id of the last row. Callers send the
//! text of a cursor back unchanged.

use std::fmt::{self, Write};
use std::str::FromStr;
use uuid::Uuid;

/// The last row of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which list and sort it belongs to.
    pub list: u32,
    /// Rows without the sort key come after all that have one.
    pub keyless: bool,
    pub key: i64,
    pub id: Uuid,
    /// The newest change when the first page was read, in lists whose rows move while they are read. Otherwise 0.
    pub begun: i64,
}

/// The text is not a cursor, or it is the cursor of another list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the cursor of such a list")]
pub struct InvalidCursor;

/// Marks the cursors of the list of this table, so that no other list takes them: the FNV-1a hash of the table's
/// name. Smaller numbers are for lists that have several sorts.
pub const fn list_of(table: &str) -> u32 {
    let (name, mut hash, mut at) = (table.as_bytes(), 0x811c_9dc5_u32, 0);
    while at < name.len() {
        hash = (hash ^ name[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash | 0x8000_0000
}

impl Cursor {
    pub fn new(list: u32, keyless: bool, key: i64, id: Uuid) -> Self {
        Self { list, keyless, key, id, begun: 0 }
    }

    /// The cursor of a list whose rows move while they are read.
    pub fn begun_at(self, begun: i64) -> Self {
        Self { begun, ..self }
    }

    /// The cursor, provided that it belongs to this list.
    pub fn of_list(self, list: u32) -> Result<Self, InvalidCursor> {
        if self.list == list { Ok(self) } else { Err(InvalidCursor) }
    }

    fn bytes(&self) -> [u8; 37] {
        let mut bytes = [0; 37];
        bytes[..4].copy_from_slice(&self.list.to_be_bytes());
        bytes[4] = u8::from(self.keyless);
        bytes[5..13].copy_from_slice(&self.key.to_be_bytes());
        bytes[13..29].copy_from_slice(self.id.as_bytes());
        bytes[29..].copy_from_slice(&self.begun.to_be_bytes());
        bytes
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(74);
        self.bytes().iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
        f.write_str(&text)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() != 74 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidCursor);
        }
        let mut bytes = [0; 37];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * index..2 * index + 2).ok_or(InvalidCursor)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidCursor)?;
        }
        let list: [u8; 4] = bytes[..4].try_into().map_err(|_| InvalidCursor)?;
        let key: [u8; 8] = bytes[5..13].try_into().map_err(|_| InvalidCursor)?;
        let id = Uuid::from_slice(&bytes[13..29]).map_err(|_| InvalidCursor)?;
        let begun: [u8; 8] = bytes[29..].try_into().map_err(|_| InvalidCursor)?;
        if bytes[4] > 1 {
            return Err(InvalidCursor);
        }
        let cursor = Self::new(u32::from_be_bytes(list), bytes[4] == 1, i64::from_be_bytes(key), id);
        Ok(cursor.begun_at(i64::from_be_bytes(begun)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        let cursor = Cursor::new(list_of("messages"), true, -1_795_222_800_000_001, Uuid::from_u128(42));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let cursor = cursor.begun_at(7);
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn text_that_is_not_a_cursor_is_rejected() {
        let good = Cursor::new(3, false, 7, Uuid::nil()).to_string();
        for bad in ["", "zz", &good[1..], &good.replace("03", "+3"), &format!("{good}00")] {
            assert_eq!(bad.parse::<Cursor>(), Err(InvalidCursor), "{bad}");
        }
    }

    #[test]
    fn a_cursor_of_another_sort_is_rejected() {
        assert_eq!(Cursor::new(3, false, 7, Uuid::nil()).of_list(4), Err(InvalidCursor));
    }

    #[test]
    fn each_table_marks_its_cursors() {
        let tables = crate::read_models::shapes().into_iter().map(|shape| list_of(shape.table));
        let marks: std::collections::HashSet<u32> = tables.collect();
        assert_eq!(marks.len(), crate::read_models::shapes().len());
    }
}
