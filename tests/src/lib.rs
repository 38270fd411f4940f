//! What rban's end-to-end tests stand on.
