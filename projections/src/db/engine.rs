//! What the two engines spell differently.

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

    /// As many groups of parameters as there are rows: `(?, ?), (?, ?)`.
    pub fn groups(self, count: usize, width: usize) -> String {
        let groups: Vec<_> =
            (0..count).map(|group| format!("({})", self.list(group * width, width))).collect();
        groups.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_through_all_groups() {
        assert_eq!(Engine::Sqlite.groups(2, 2), "(?,?),(?,?)");
        assert_eq!(Engine::Postgres.groups(2, 2), "($1,$2),($3,$4)");
        assert_eq!(Engine::Postgres.list(0, 3), "$1,$2,$3");
    }
}
