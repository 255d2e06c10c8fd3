//! The statements in which the two engines differ.

/// Which engine a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// A list of parameters: `?, ?, ?`, or `$1, $2, $3` when `before` is 0. Statements written by hand number their
    /// parameters, which both engines accept. Long lists for SQLite have no numbers, because SQLite searches a list
    /// for each numbered parameter, which is quadratic; PostgreSQL accepts only numbered ones.
    pub fn list(self, before: usize, count: usize) -> String {
        match self {
            Self::Sqlite => vec!["?"; count].join(","),
            Self::Postgres => {
                let numbers = before + 1..=before + count;
                numbers.map(|number| format!("${number}")).collect::<Vec<_>>().join(",")
            }
        }
    }

    /// The numbers of rows that one statement can have: a few fixed numbers, so that each text is prepared once. For
    /// PostgreSQL each column is one array, so that one text works for any number of rows.
    pub fn sizes(self) -> &'static [usize] {
        match self {
            Self::Sqlite => &[128, 32, 8, 2, 1],
            Self::Postgres => &[1_000],
        }
    }

    /// The largest size that `count` rows fill, after its index in [`Engine::sizes`].
    pub fn pick(self, count: usize) -> (usize, usize) {
        let sizes = self.sizes();
        match self {
            Self::Sqlite => {
                let index = sizes.iter().position(|size| *size <= count).unwrap_or(sizes.len() - 1);
                (index, sizes[index])
            }
            Self::Postgres => (0, count.min(sizes[0])),
        }
    }

    /// Rows of parameters as a table expression: `values (?, ?), (?, ?)`.
    pub fn rows(self, count: usize, width: usize) -> String {
        match self {
            Self::Sqlite => format!("values {}", vec![format!("({})", self.list(0, width)); count].join(",")),
            Self::Postgres => format!("select * from unnest({})", self.list(0, width)),
        }
    }

    /// The condition that the columns of a key equal one of `count` keys.
    pub fn among(self, key: &[&str], count: usize) -> String {
        let (names, width) = (key.join(","), key.len());
        match (self, width) {
            (Self::Sqlite, 1) => format!("{names} in ({})", self.list(0, count)),
            (Self::Postgres, 1) => format!("{names} = any({})", self.list(0, 1)),
            // SQLite accepts a list of rows as a table, but not directly after `in`.
            (Self::Sqlite | Self::Postgres, _) => format!("({names}) in ({})", self.rows(count, width)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_a_list_of_values_or_an_array_per_column() {
        assert_eq!(Engine::Sqlite.rows(2, 2), "values (?,?),(?,?)");
        assert_eq!(Engine::Postgres.rows(2, 3), "select * from unnest($1,$2,$3)");
        assert_eq!(Engine::Sqlite.among(&["id"], 3), "id in (?,?,?)");
        assert_eq!(Engine::Postgres.among(&["id"], 3), "id = any($1)");
        assert_eq!(Engine::Postgres.among(&["a", "b"], 3), "(a,b) in (select * from unnest($1,$2))");
    }

    #[test]
    fn the_largest_statement_that_the_rows_fill_is_picked() {
        assert_eq!(Engine::Sqlite.pick(40), (1, 32));
        assert_eq!(Engine::Sqlite.pick(1), (4, 1));
        assert_eq!(Engine::Postgres.pick(40), (0, 40));
        assert_eq!(Engine::Postgres.pick(4_000), (0, 1_000));
    }
}
