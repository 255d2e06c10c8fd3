//! The statements in which the two engines differ.

/// Which engine a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// `?, ?, ?`, or `$1, $2, $3` where none come `before`. Statements written by hand number their
    /// parameters, which both engines understand. In long lists SQLite's are left to their order, because it
    /// looks every numbered one up in a list, which is quadratic; PostgreSQL knows no others.
    pub fn list(self, before: usize, count: usize) -> String {
        match self {
            Self::Sqlite => vec!["?"; count].join(","),
            Self::Postgres => {
                let places = before + 1..=before + count;
                places.map(|place| format!("${place}")).collect::<Vec<_>>().join(",")
            }
        }
    }

    /// How many rows one statement carries: a few fixed numbers, so that each text is prepared once. PostgreSQL
    /// is given an array for each column, so that one text fits any number of rows.
    pub fn sizes(self) -> &'static [usize] {
        match self {
            Self::Sqlite => &[128, 32, 8, 2, 1],
            Self::Postgres => &[1_000],
        }
    }

    /// How many rows the largest statement carries that so many fill, and which of [`Engine::sizes`] it is.
    pub fn pick(self, count: usize) -> (usize, usize) {
        let sizes = self.sizes();
        match self {
            Self::Sqlite => {
                let place = sizes.iter().position(|size| *size <= count).unwrap_or(sizes.len() - 1);
                (place, sizes[place])
            }
            Self::Postgres => (0, count.min(sizes[0])),
        }
    }

    /// Rows of parameters, where a table can stand: `values (?, ?), (?, ?)`.
    pub fn rows(self, count: usize, width: usize) -> String {
        match self {
            Self::Sqlite => format!("values {}", vec![format!("({})", self.list(0, width)); count].join(",")),
            Self::Postgres => format!("select * from unnest({})", self.list(0, width)),
        }
    }

    /// Whether the columns of a key are among so many keys.
    pub fn among(self, key: &[&str], count: usize) -> String {
        let (names, width) = (key.join(","), key.len());
        match (self, width) {
            (Self::Sqlite, 1) => format!("{names} in ({})", self.list(0, count)),
            (Self::Postgres, 1) => format!("{names} = any({})", self.list(0, 1)),
            // SQLite takes a list of rows as a table, but not after `in`.
            (Self::Sqlite | Self::Postgres, _) => format!("({names}) in ({})", self.rows(count, width)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_a_list_of_values_or_a_list_of_columns() {
        assert_eq!(Engine::Sqlite.rows(2, 2), "values (?,?),(?,?)");
        assert_eq!(Engine::Postgres.rows(2, 3), "select * from unnest($1,$2,$3)");
        assert_eq!(Engine::Sqlite.among(&["id"], 3), "id in (?,?,?)");
        assert_eq!(Engine::Postgres.among(&["id"], 3), "id = any($1)");
        assert_eq!(Engine::Postgres.among(&["a", "b"], 3), "(a,b) in (select * from unnest($1,$2))");
    }

    #[test]
    fn a_statement_is_filled_by_what_there_is() {
        assert_eq!(Engine::Sqlite.pick(40), (1, 32));
        assert_eq!(Engine::Sqlite.pick(1), (4, 1));
        assert_eq!(Engine::Postgres.pick(40), (0, 40));
        assert_eq!(Engine::Postgres.pick(4_000), (0, 1_000));
    }
}
