//! Everything that runs the real binaries, in one test binary.

mod pid1;
mod support;
