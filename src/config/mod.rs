//! The shared loaders: read, parse strictly, report every problem at once with file, line and key.

mod mode;

pub use mode::{ArgsPolicy, Export, Mode, Passphrase, SecretFile, TtyOwner, Write};
