//! Every promise as a function.
