//! Beside
