//! Text becomes the stages' Specs.

pub mod value;
