//! Statements whose shape varies.

use follower::table::{Column, Values};

/// The numbered parameters of a statement that is being built.
#[derive(Default)]
pub struct Sql {
    pub values: Values,
    count: usize,
}

impl Sql {
    pub fn bind<T: Column>(&mut self, value: &T) -> String {
        self.values.put(value);
        self.count += 1;
        format!("${}", self.count)
    }
    pub fn equal<T: Column>(&mut self, column: &str, value: &T) -> String {
        format!("{column} = {}", self.bind(value))
    }
    /// A condition in a form for which the engine does not choose an index: the index must be the one in the order of
    /// the list.
    pub fn check(&mut self, condition: String) -> String {
        format!("case when {condition} then 1 else 0 end = 1")
    }
}
