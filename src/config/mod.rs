//! The shared loaders: read, parse strictly, report every problem at once with file, line and key.
//!
//! How a mode is loaded: `folder` finds its files, `disk` reads them, `tree` makes each a tree of
//! located values, `merge` lays them over each other, and `decode` reads the result against the keys
//! of `schema`, filling in variables (`interpolate`, `scope`). Only `disk` touches the disk. Other files
//! than modes are read by the same parts, in a `Dialect` of their own.

pub(crate) mod decode;
pub(crate) mod disk;
mod folder;
mod interpolate;
mod load;
pub(crate) mod merge;
mod mode;
pub(crate) mod node;
pub(crate) mod problems;
mod processes;
pub mod schema;
pub(crate) mod scope;
pub(crate) mod shown;
mod source;
pub(crate) mod tree;
mod vault;

pub use load::{Layers, Text, load};
pub use mode::{
    ArgsPolicy, Aws, ClientSide, Cryptor, Export, FetchedFile, Language, ManagedSecret, Mode,
    Origin, ParameterSet, Passphrase, S3Origin, SecretItem, SecretSource, SopsFile, Template,
    TtyOwner, ValuePlace, Variable, VaultFile, Write,
};
pub use problems::{Problem, Problems};
pub use processes::{
    AfterHook, BeforeHook, Command, Health, HealthCheck, Output, Process, Ready, Restart, Sign,
};
pub use scope::Lookup;
pub use source::{Request, Source};
