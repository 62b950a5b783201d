//! PID 1 of a Rails container: forks the boot process, which becomes the app, and supervises it.

#![no_main]

entry::pid1_main!(entry::start);
